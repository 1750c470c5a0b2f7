import { type FileHandle, open } from "node:fs/promises";
import { DomainError } from "../../base/error/domain-error.ts";
import { isMissing } from "../../base/error/system-error-text.ts";
import type { StreamCacheFiles } from "./stream-cache-files.ts";

/**
 * Takes pieces that belong together; settles when it doesn't need their memory any more. It may be
 * called again before that, and keeps the order.
 */
export type TakePieces = (pieces: readonly Uint8Array[]) => Promise<void>;

/** Makes a stream. When nobody reads it any more, the signal is aborted. */
export type Produce = (take: TakePieces, signal: AbortSignal) => Promise<void>;

/** How far the producer may be ahead of the fastest reader, in bytes. */
const AHEAD_BYTES_MAX = 1024 * 1024;

/** Bytes that a reader takes from the file at once. */
const READ_BYTES = 256 * 1024;

/** Nobody wanted a stream any more before it was complete. */
export class AbandonedStreamError extends DomainError {
  constructor() {
    super("cancelled", "all readers of the stream have gone away");
  }
}

/**
 * A stream that is written to a file while any number of readers read it, each from its beginning
 * and at its own pace. Its size is no matter for memory.
 *
 * It has ended, in success or failure, when `finished` settles.
 */
export class KeptStream {
  readonly path: string;
  readonly createdMs: number;
  /** Rejects with the producer's failure. */
  readonly finished: Promise<void>;
  readonly #hasBackpressure: boolean;
  readonly #ending = new AbortController();
  readonly #opened: Promise<FileHandle>;
  #readerCount = 0;
  #isFinished = false;
  /** Bytes that are on their way into the file, and those that are there. */
  #takenBytes = 0;
  #writtenBytes = 0;
  /** How far the fastest reader is. */
  #readBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #change = Promise.withResolvers<void>();

  constructor(
    files: StreamCacheFiles,
    produce: Produce,
    options: { readonly nowMs: number; readonly backpressure: boolean },
  ) {
    this.path = files.nextPath();
    this.createdMs = options.nowMs;
    this.#hasBackpressure = options.backpressure;
    this.#opened = files.create(this.path);
    this.finished = this.#run(produce);
    this.finished.catch(() => undefined);
  }

  /** Whether somebody may still join: a stream that was given up will never be complete. */
  get isOpen(): boolean {
    return !this.#ending.signal.aborted;
  }

  /** Gives the stream up, whoever reads it. */
  abandon(): void {
    if (!this.#isFinished) this.#ending.abort(new AbandonedStreamError());
    this.#tell();
  }

  /**
   * Hands the whole stream to `take`, as it is made or from the file, and waits for its success.
   * Returns its size, or undefined when the file is gone.
   *
   * The last reader that goes away before the end, because its `signal` is aborted or it can't take
   * any more, ends the producer.
   */
  async read(take: TakePieces, signal: AbortSignal): Promise<number | undefined> {
    this.#readerCount += 1;
    const onAbort = (): void => this.#tell();
    signal.addEventListener("abort", onAbort);
    try {
      await this.#opened;
      await using file = await this.#reopen();
      if (file === undefined) return undefined;
      const bytes = await this.#copy(file, take, signal);
      await this.finished;
      return bytes;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#readerCount -= 1;
      if (this.#readerCount === 0) this.abandon();
    }
  }

  async #reopen(): Promise<FileHandle | undefined> {
    try {
      return await open(this.path, "r");
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async #copy(file: FileHandle, take: TakePieces, signal: AbortSignal): Promise<number> {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    let position = 0;
    for (;;) {
      signal.throwIfAborted();
      const available = Math.min(this.#writtenBytes - position, buffer.length);
      if (available === 0 && this.#isFinished) return position;
      if (available === 0) {
        await this.#change.promise;
        continue;
      }
      const { bytesRead } = await file.read(buffer, 0, available, position);
      if (bytesRead === 0) throw new DomainError("internal", "kept stream is cut short");
      await take([buffer.subarray(0, bytesRead)]);
      position += bytesRead;
      if (position > this.#readBytes) {
        this.#readBytes = position;
        this.#tell();
      }
    }
  }

  async #run(produce: Produce): Promise<void> {
    const { signal } = this.#ending;
    try {
      await using file = await this.#opened;
      await produce((pieces) => this.#write(file, pieces), signal);
      await this.#writing;
      signal.throwIfAborted();
    } catch (error) {
      this.#ending.abort(error);
      throw error;
    } finally {
      this.#isFinished = true;
      this.#tell();
    }
  }

  #write(file: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    const position = this.#takenBytes;
    this.#takenBytes += bytes;
    this.#writing = this.#writing.then(async () => {
      await this.#untilWanted();
      const { bytesWritten } = await file.writev([...pieces], position);
      if (bytesWritten !== bytes) throw new DomainError("internal", "no room for kept stream");
      this.#writtenBytes += bytes;
      this.#tell();
    });
    return this.#writing;
  }

  /** Nothing is written that nobody will read. */
  async #untilWanted(): Promise<void> {
    const { signal } = this.#ending;
    signal.throwIfAborted();
    if (!this.#hasBackpressure) return;
    while (this.#writtenBytes - this.#readBytes >= AHEAD_BYTES_MAX) {
      await this.#change.promise;
      signal.throwIfAborted();
    }
  }

  #tell(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
