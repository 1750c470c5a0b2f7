import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ObjectFormat, Oid } from "../oid/oid.ts";
import { OID_HEX_LENGTH } from "../oid/oid.ts";
import { FileVanishedError, type PooledFile } from "../pack/file-pool.ts";
import { INFLATE_RATIO_MAX, inflateChunks, inflatePrefix, inflateWhole } from "../pack/inflate.ts";
import { type ObjectStream, singleChunk } from "../pack/pack.ts";
import type { CachedContent, ReaderResources } from "../pack/reader-resources.ts";
import { type HeldObjects, heldObjectsOf } from "./held-objects.ts";
import { CorruptObjectError, ObjectTooLargeError } from "./object-error.ts";
import { type ObjectHeader, type ObjectType, parseObjectType } from "./object-type.ts";

/*
 * A loose object is a file named by its id: a zlib stream of type, blank, size in decimal digits,
 * NUL and content.
 */

/** Files up to this size are inflated as a whole before anything is known of them. */
const SMALL_FILE_BYTES = 2 * 1024;

/** Input that surely holds the header of any object. */
const HEADER_INPUT_BYTES = 512;

/** As in git, no header is longer. */
const HEADER_BYTES_MAX = 32;

/** Piece of a file that is read at a time while an object is streamed. */
const STREAM_READ_BYTES = 64 * 1024;

interface LooseHeader extends ObjectHeader {
  /** Where the content begins. */
  readonly end: number;
}

/**
 * The loose objects in one object directory, and those that are held for it.
 *
 * Nothing is remembered: other processes write and prune them at any time. Methods return
 * `undefined` for an object that isn't there and throw `CorruptObjectError` for a damaged one.
 */
export class LooseObjects {
  readonly #path: string;
  readonly #format: ObjectFormat;
  readonly #resources: ReaderResources;
  readonly #held: HeldObjects | undefined;

  constructor(path: string, format: ObjectFormat, resources: ReaderResources) {
    this.#path = path;
    this.#format = format;
    this.#resources = resources;
    this.#held = heldObjectsOf(path);
  }

  has(oid: Oid): boolean {
    return this.#held?.objects.has(oid) === true || this.#sizeOf(oid) !== undefined;
  }

  header(oid: Oid): ObjectHeader | undefined {
    const held = this.#held?.objects.get(oid);
    if (held !== undefined) return { type: held.type, size: held.content.length };
    if (this.#sizeOf(oid) === undefined) return undefined;
    using file = this.#open(oid);
    if (file === undefined) return undefined;
    const { type, size } = readHeader(file.file);
    return { type, size };
  }

  /** Throws `ObjectTooLargeError` when the content has more than `bytesMax` bytes. */
  read(oid: Oid, bytesMax: number): CachedContent | undefined {
    const held = this.#held?.objects.get(oid);
    if (held !== undefined) return checkSize(held, bytesMax);
    const fileSize = this.#sizeOf(oid);
    if (fileSize === undefined) return undefined;
    if (fileSize <= SMALL_FILE_BYTES) return this.#readSmall(oid, bytesMax);
    using opened = this.#open(oid);
    if (opened === undefined) return undefined;
    const { file } = opened;
    const header = readHeader(file);
    if (header.size > bytesMax) throw new ObjectTooLargeError(header.size, bytesMax);
    // An honest stream is at most a little longer than its content.
    const length = Math.min(file.size, 2 * (header.end + header.size) + 1024);
    if (length < file.size) throw new CorruptObjectError("garbage at the end of loose object");
    const whole = inflateWhole(file.readExactly(0, length), header.end + header.size);
    return takeContent(whole, bytesMax);
  }

  /** As `read`, without stopping the event loop for long. */
  async load(oid: Oid, bytesMax: number, signal: AbortSignal): Promise<CachedContent | undefined> {
    const stream = this.stream(oid, signal);
    if (stream === undefined) return undefined;
    const { type, size, chunks } = stream;
    if (size > bytesMax) {
      await chunks.return();
      throw new ObjectTooLargeError(size, bytesMax);
    }
    const content = Buffer.allocUnsafeSlow(size);
    let length = 0;
    for await (const chunk of chunks) length += chunk.copy(content, length);
    return { type, content };
  }

  /** Reads an object of any size in pieces. */
  stream(oid: Oid, signal: AbortSignal): ObjectStream | undefined {
    const held = this.#held?.objects.get(oid);
    if (held !== undefined) {
      const { type, content } = held;
      return { type, size: content.length, chunks: singleChunk(content) };
    }
    if (this.#sizeOf(oid) === undefined) return undefined;
    using opened = this.#open(oid);
    if (opened === undefined) return undefined;
    const header = readHeader(opened.file);
    // Opened anew when the pieces are asked for: an open file must belong to somebody.
    return { type: header.type, size: header.size, chunks: this.#chunks(oid, header, signal) };
  }

  async *#chunks(
    oid: Oid,
    header: LooseHeader,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer, void, undefined> {
    using opened = this.#open(oid);
    if (opened === undefined) throw new FileVanishedError(this.#pathOf(oid));
    const unpin = opened.file.pin();
    try {
      let skip = header.end;
      const source = deflatedChunks(opened.file);
      for await (const chunk of inflateChunks(source, header.end + header.size, signal)) {
        const content = chunk.subarray(Math.min(skip, chunk.length));
        skip -= chunk.length - content.length;
        if (content.length > 0) yield content;
      }
    } finally {
      unpin();
    }
  }

  /** Ids of all objects that begin with this byte, in no order. */
  list(first: number): Oid[] {
    const prefix = first.toString(16).padStart(2, "0");
    const restLength = OID_HEX_LENGTH[this.#format] - 2;
    const isRest = (name: string): boolean => name.length === restLength && HEX.test(name);
    const held = [...(this.#held?.objects.keys() ?? [])].filter((oid) => oid.startsWith(prefix));
    const written = listDirectory(join(this.#path, prefix)).filter(isRest);
    return [...held, ...written.map((name) => `${prefix}${name}` as Oid)];
  }

  #readSmall(oid: Oid, bytesMax: number): CachedContent | undefined {
    let input: Buffer;
    try {
      input = readFileSync(this.#pathOf(oid));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    if (input.length > SMALL_FILE_BYTES) throw new CorruptObjectError("loose object has changed");
    return takeContent(inflateWhole(input, input.length * INFLATE_RATIO_MAX), bytesMax);
  }

  #sizeOf(oid: Oid): number | undefined {
    // There is no directory yet.
    if (this.#held?.isSettled === false) return undefined;
    return statSync(this.#pathOf(oid), { throwIfNoEntry: false })?.size;
  }

  #pathOf(oid: Oid): string {
    return `${this.#path}/${oid.slice(0, 2)}/${oid.slice(2)}`;
  }

  #open(oid: Oid): ({ readonly file: PooledFile } & Disposable) | undefined {
    try {
      const file = this.#resources.files.open(this.#pathOf(oid));
      return { file, [Symbol.dispose]: () => file.close() };
    } catch (error) {
      if (error instanceof FileVanishedError) return undefined;
      throw error;
    }
  }
}

function takeContent(whole: Buffer, bytesMax: number): CachedContent {
  const { type, size, end } = parseHeader(whole);
  if (whole.length !== end + size) throw new CorruptObjectError("loose object has another size");
  return checkSize({ type, content: whole.subarray(end) }, bytesMax);
}

function checkSize(found: CachedContent, bytesMax: number): CachedContent {
  const { length } = found.content;
  if (length > bytesMax) throw new ObjectTooLargeError(length, bytesMax);
  return found;
}

const HEX = /^[0-9a-f]+$/;

function readHeader(file: PooledFile): LooseHeader {
  const input = file.readExactly(0, Math.min(file.size, HEADER_INPUT_BYTES));
  return parseHeader(inflatePrefix(input));
}

/** As strict as git: the size has no leading zeros, the type is one of the four. */
function parseHeader(content: Buffer): LooseHeader {
  const end = content.subarray(0, HEADER_BYTES_MAX).indexOf(0);
  if (end < 0) throw new CorruptObjectError("loose object has no header");
  const match = /^([a-z]+) (0|[1-9][0-9]{0,15})$/.exec(content.toString("latin1", 0, end));
  const type: ObjectType | undefined = parseObjectType(match?.[1] ?? "");
  const size = Number(match?.[2]);
  if (type === undefined || !Number.isSafeInteger(size)) {
    throw new CorruptObjectError("loose object has a malformed header");
  }
  return { type, size, end: end + 1 };
}

function* deflatedChunks(file: PooledFile): Generator<Buffer, void, undefined> {
  for (let position = 0; position < file.size; position += STREAM_READ_BYTES) {
    yield file.readExactly(position, Math.min(STREAM_READ_BYTES, file.size - position));
  }
}

function listDirectory(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === "ENOENT" || error.code === "ENOTDIR";
}
