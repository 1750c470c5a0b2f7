import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { DomainError } from "../../base/error/domain-error.ts";
import { CorruptObjectError } from "../object/object-error.ts";
import { LinkedList, ListNode } from "./linked-list.ts";

/**
 * A file of the object store is gone, or another one stands in its place.
 *
 * Another process has repacked the repository. The object is to be looked up again.
 */
export class FileVanishedError extends DomainError {
  constructor(path: string, options: { readonly cause?: unknown } = {}) {
    super("unavailable", "file vanished from the object store", {
      ...options,
      metadata: { path },
    });
  }
}

/**
 * Files that are open for reading, up to a number of descriptors.
 *
 * The one that was unused for longest is closed when another one is needed, and opened again when
 * it is read.
 */
export class FilePool {
  readonly descriptorsMax: number;
  readonly #open = new LinkedList();
  #count = 0;

  constructor(descriptorsMax: number) {
    this.descriptorsMax = descriptorsMax;
  }

  /** Number of descriptors that are open now. */
  get descriptors(): number {
    return this.#count;
  }

  /** Opens the file. Throws `FileVanishedError` when it isn't there. */
  open(path: string): PooledFile {
    return new PooledFile(this, path);
  }

  /** @internal Called by files. */
  acquire(file: PooledFile, path: string): number {
    while (this.#count >= this.descriptorsMax) if (!this.#closeOldest()) break;
    const descriptor = this.#openDescriptor(path);
    this.#open.append(file);
    this.#count++;
    return descriptor;
  }

  /** @internal Called by files. */
  touch(file: PooledFile): void {
    this.#open.touch(file);
  }

  /** @internal Called by files. */
  release(file: PooledFile, descriptor: number): void {
    this.#open.remove(file);
    this.#count--;
    closeSync(descriptor);
  }

  #openDescriptor(path: string): number {
    for (;;) {
      try {
        return openSync(path, "r");
      } catch (cause) {
        if (isFault(cause, "ENOENT", "ENOTDIR")) throw new FileVanishedError(path, { cause });
        // The process as a whole is short of descriptors: give back ours.
        if (!isFault(cause, "EMFILE", "ENFILE") || !this.#closeOldest()) throw cause;
      }
    }
  }

  /** Files that are being streamed stay open; `false` when there is no other. */
  #closeOldest(): boolean {
    for (let node = this.#open.first; node !== undefined; node = node.next) {
      if (!(node instanceof PooledFile) || node.isPinned) continue;
      node.suspend();
      return true;
    }
    return false;
  }
}

function isFault(error: unknown, ...codes: readonly string[]): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return typeof error.code === "string" && codes.includes(error.code);
}

/** A file in a `FilePool`. Must be closed. */
export class PooledFile extends ListNode {
  readonly path: string;
  /** Length in bytes when it was first opened. Files of the object store never change. */
  readonly size: number;
  readonly #pool: FilePool;
  readonly #identity: string;
  #descriptor: number | undefined;
  #pins = 0;

  /** @internal Use `FilePool.open`. */
  constructor(pool: FilePool, path: string) {
    super();
    this.#pool = pool;
    this.path = path;
    this.#descriptor = pool.acquire(this, path);
    const { size, dev, ino } = fstatSync(this.#descriptor);
    this.size = size;
    this.#identity = `${dev} ${ino} ${size}`;
  }

  /** `true` while the file is kept open for somebody. */
  get isPinned(): boolean {
    return this.#pins > 0;
  }

  /**
   * Reads up to `length` bytes from `position` into `buffer` and returns their number, which is
   * smaller only at the end of the file. Throws `FileVanishedError`.
   */
  read(buffer: Buffer, offset: number, length: number, position: number): number {
    const descriptor = this.#use();
    let done = 0;
    while (done < length) {
      const count = readSync(descriptor, buffer, offset + done, length - done, position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  /** Reads exactly `length` bytes from `position`. Throws `CorruptObjectError` beyond the end. */
  readExactly(position: number, length: number): Buffer {
    if (position < 0 || length < 0 || position + length > this.size) {
      throw new CorruptObjectError("file is too short", { metadata: { path: this.path } });
    }
    const buffer = Buffer.allocUnsafeSlow(length);
    if (this.read(buffer, 0, length, position) < length) {
      throw new CorruptObjectError("file is cut short", { metadata: { path: this.path } });
    }
    return buffer;
  }

  /** Keeps the file open until the returned function is called: it can't vanish in between. */
  pin(): () => void {
    this.#use();
    this.#pins++;
    let isPinned = true;
    return () => {
      if (isPinned) this.#pins--;
      isPinned = false;
    };
  }

  /** Gives the descriptor back; reading takes a new one. */
  suspend(): void {
    if (this.#descriptor === undefined) return;
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    this.#pool.release(this, descriptor);
  }

  /** Closes the file. A later read would open it again, so there must be none. */
  close(): void {
    this.suspend();
  }

  #use(): number {
    if (this.#descriptor !== undefined) {
      this.#pool.touch(this);
      return this.#descriptor;
    }
    const descriptor = this.#pool.acquire(this, this.path);
    this.#descriptor = descriptor;
    const { size, dev, ino } = fstatSync(descriptor);
    if (`${dev} ${ino} ${size}` === this.#identity) return descriptor;
    this.suspend();
    throw new FileVanishedError(this.path);
  }
}
