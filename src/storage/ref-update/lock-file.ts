import * as fs from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { removeAbandonedLock, stampLock } from "../file/lock-owner.ts";
import { syncOpenFile } from "../file/sync.ts";
import { systemErrorCode } from "./system-error-code.ts";

/** Somebody else holds a lock file for longer than we wait. */
export class FileLockedError extends Error {}

interface AcquireOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly twin?: LockFile | undefined;
}

/** The longest wait between two attempts, in milliseconds, before it is varied. */
const BACKOFF_MS_MAX = 1000;

/**
 * A file `<path>.lock` that keeps others, git among them, from changing `<path>`, and that may take
 * its place.
 */
export class LockFile {
  readonly #path: string | Buffer;
  #file: number | undefined;
  #isHeld = true;

  private constructor(path: string | Buffer, file: number | undefined) {
    this.#path = path;
    this.#file = file;
  }

  /**
   * Makes the lock file at `path`, which includes the suffix.
   *
   * Waits as git does for one that others hold: at growing distances, at least `timeoutMs` in all,
   * not at all for 0 and without end for less. Throws `FileLockedError`, the errors of the
   * operating system and the reason of `signal`. The lock of one of our processes that was killed is
   * taken over at once.
   *
   * A lock file that nothing is written to may share its inode with `twin`, another such one: to
   * make a name costs a small part of what it costs to make a file.
   */
  static async acquire(
    path: string | Buffer,
    { timeoutMs, signal, twin }: AcquireOptions,
  ): Promise<LockFile> {
    let remainingMs = timeoutMs;
    for (let attempt = 1; ; attempt++) {
      if (twin?.link(path) === true) return new LockFile(path, undefined);
      const file = createOwnFile(path);
      if (file !== undefined) return new LockFile(path, file);
      if (timeoutMs >= 0 && remainingMs <= 0) throw new FileLockedError("file is locked");
      const waitMs = Math.min(attempt ** 2, BACKOFF_MS_MAX) * (0.75 + Math.random() / 2);
      // An abort ends the wait with an error of its own.
      await delay(waitMs, undefined, { signal }).catch(() => undefined);
      signal.throwIfAborted();
      remainingMs -= waitMs;
    }
  }

  /** Gives this file another name; false when there is such a file, or it can't be done. */
  private link(path: string | Buffer): boolean {
    try {
      fs.linkSync(this.#path, path);
      return true;
    } catch {
      // To make a file instead fails for the same reason, or succeeds.
      return false;
    }
  }

  /** Writes the whole content, a binary string, and waits until it is on the disk. */
  async write(content: string): Promise<void> {
    if (this.#file === undefined) throw new Error("lock file is closed");
    fs.writeSync(this.#file, content, null, "latin1");
    await syncOpenFile(this.#file);
    this.close();
  }

  /** Gives back the open file, not the lock. */
  close(): void {
    if (this.#file !== undefined) fs.closeSync(this.#file);
    this.#file = undefined;
  }

  /** Puts the file in the place of what it locks, and ends the lock thereby. */
  commit(target: string | Buffer): void {
    fs.renameSync(this.#path, target);
    this.#isHeld = false;
  }

  /** Removes the file, unless it has been put in its place. */
  rollback(): void {
    this.close();
    if (this.#isHeld) removeFile(this.#path);
    this.#isHeld = false;
  }
}

/** Removes a file that may be gone already. */
export function removeFile(path: string | Buffer): void {
  try {
    fs.unlinkSync(path);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}

/** Makes a new file that tells whose it is; undefined when somebody has it already. */
export function createOwnFile(path: string | Buffer): number | undefined {
  const file = create(path) ?? (removeAbandonedLock(path) ? create(path) : undefined);
  if (file !== undefined) stampLock(file);
  return file;
}

function create(path: string | Buffer): number | undefined {
  try {
    return fs.openSync(path, "wx", 0o666);
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST") return undefined;
    throw error;
  }
}
