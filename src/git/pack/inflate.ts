import { Readable } from "node:stream";
import { constants, createInflate, inflateSync } from "node:zlib";
import { CorruptObjectError } from "../object/object-error.ts";

/**
 * Inflates the zlib stream at the start of `input`, whose content has `size` bytes; what follows
 * the stream is ignored.
 *
 * Returns `undefined` when the input ends before the stream does. Throws `CorruptObjectError`
 * for anything else, among it a content of another size: no more than `size` bytes are made.
 */
export function inflate(input: Buffer, size: number): Buffer | undefined {
  let content: Buffer;
  try {
    // One byte more than needed: a chunk that is exactly full makes zlib start another one.
    const chunkSize = Math.max(size + 1, CHUNK_BYTES_MIN);
    content = inflateSync(input, { chunkSize, maxOutputLength: Math.max(size, 1) });
  } catch (cause) {
    if (isUnexpectedEnd(cause)) return undefined;
    throw new CorruptObjectError("object does not inflate", { cause });
  }
  if (content.length !== size) throw new CorruptObjectError("object has another size");
  return content;
}

/**
 * Inflates a zlib stream that has to be all of `input`, into at most `bytesMax` bytes. Throws
 * `CorruptObjectError`.
 */
export function inflateWhole(input: Buffer, bytesMax: number): Buffer {
  const chunkSize = Math.min(Math.max(bytesMax + 1, CHUNK_BYTES_MIN), CHUNK_BYTES_MAX);
  const options = { chunkSize, maxOutputLength: Math.max(bytesMax, 1), info: true };
  let result: unknown;
  try {
    result = inflateSync(input, options);
  } catch (cause) {
    throw new CorruptObjectError("object does not inflate", { cause });
  }
  if (!isInflated(result)) throw new TypeError("zlib tells how much it used");
  if (result.engine.bytesWritten !== input.length) {
    throw new CorruptObjectError("garbage at the end of object");
  }
  return result.buffer;
}

/**
 * As `inflate`, and tells how many bytes of `input` the stream takes.
 *
 * Returns `undefined` when the input ends before the stream does. Throws `CorruptObjectError`.
 */
export function inflateStart(
  input: Buffer,
  size: number,
): { readonly content: Buffer; readonly consumed: number } | undefined {
  const chunkSize = Math.max(size + 1, CHUNK_BYTES_MIN);
  const options = { chunkSize, maxOutputLength: Math.max(size, 1), info: true };
  let result: unknown;
  try {
    result = inflateSync(input, options);
  } catch (cause) {
    if (isUnexpectedEnd(cause)) return undefined;
    throw new CorruptObjectError("object does not inflate", { cause });
  }
  if (!isInflated(result)) throw new TypeError("zlib tells how much it used");
  if (result.buffer.length !== size) throw new CorruptObjectError("object has another size");
  return { content: result.buffer, consumed: result.engine.bytesWritten };
}

/** What zlib returns with the option `info`, which its types don't know. */
interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

function isInflated(result: unknown): result is Inflated {
  return typeof result === "object" && result !== null && "buffer" in result && "engine" in result;
}

/** zlib's own minimum. */
const CHUNK_BYTES_MIN = 64;

/** What is made at a time where the size isn't known. */
const CHUNK_BYTES_MAX = 64 * 1024;

/** Inflated bytes that each byte of a stream can stand for, at most. */
export const INFLATE_RATIO_MAX = 1032;

function isUnexpectedEnd(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "Z_BUF_ERROR";
}

/**
 * Inflates as much of the stream at the start of `input` as these bytes yield.
 *
 * For headers inside a stream: give as little input as will do, since all of it is inflated.
 * Throws `CorruptObjectError`.
 */
export function inflatePrefix(input: Buffer): Buffer {
  try {
    const maxOutputLength = Math.max(input.length * INFLATE_RATIO_MAX, 1);
    const options = { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH };
    return inflateSync(input, options);
  } catch (cause) {
    throw new CorruptObjectError("object does not inflate", { cause });
  }
}

/** How much is inflated in a row by `inflateChunks`. */
const STREAM_CHUNK_BYTES = 64 * 1024;

/**
 * Inflates, away from the event loop, the zlib stream at the start of what `source` yields.
 *
 * Yields chunks of up to 64 KiB and pulls from the source only as they are taken. After `size`
 * bytes, the stream has to end. Throws `CorruptObjectError`, and the reason of `signal`.
 */
export async function* inflateChunks(
  source: Iterable<Buffer>,
  size: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  signal.throwIfAborted();
  const input = Readable.from(source, { highWaterMark: 1 });
  const output = createInflate({ chunkSize: STREAM_CHUNK_BYTES });
  input.on("error", (error) => output.destroy(error));
  input.pipe(output);
  let total = 0;
  try {
    for await (const chunk of output) {
      signal.throwIfAborted();
      if (!Buffer.isBuffer(chunk)) throw new TypeError("zlib yields buffers");
      total += chunk.length;
      if (total > size) throw new CorruptObjectError("object has another size");
      yield chunk;
    }
  } catch (cause) {
    if (signal.aborted || !isZlibError(cause)) throw cause;
    throw new CorruptObjectError("object does not inflate", { cause });
  } finally {
    input.destroy();
    output.destroy();
  }
  if (total !== size) throw new CorruptObjectError("object has another size");
}

function isZlibError(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return typeof error.code === "string" && error.code.startsWith("Z_");
}
