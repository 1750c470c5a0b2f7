import { join } from "node:path";
import { CorruptObjectError } from "../object/object-error.ts";
import { type ObjectFormat, OID_BYTES } from "../oid/oid.ts";
import type { PooledFile } from "./file-pool.ts";
import { inflate, inflatePrefix } from "./inflate.ts";
import { ENTRY_HEAD_BYTES_MAX, PackEntry } from "./pack-entry.ts";
import { PackIndex } from "./pack-index.ts";
import { WINDOW_BYTES_MAX } from "./read-window.ts";
import type { ReaderResources } from "./reader-resources.ts";
import { SmallInflater } from "./small-inflater.ts";

const SIGNATURE = 0x5041434b;
const HEADER_BYTES = 12;

/** Piece of a pack that is read at a time while an object is streamed. */
const STREAM_READ_BYTES = 64 * 1024;

/**
 * The bytes of one pack and its index.
 *
 * Both files are opened when they are first needed: many packs of a repository are never read.
 */
export class PackFile {
  /** File name without an extension: `pack-<checksum>`. */
  readonly name: string;
  readonly format: ObjectFormat;
  readonly #directory: string;
  readonly #resources: ReaderResources;
  #file: PooledFile | undefined;
  #index: PackIndex | undefined;

  constructor(directory: string, name: string, format: ObjectFormat, resources: ReaderResources) {
    this.#directory = directory;
    this.name = name;
    this.format = format;
    this.#resources = resources;
  }

  /** The pack's index. Throws `CorruptObjectError` and `FileVanishedError`. */
  get index(): PackIndex {
    this.#index ??= this.#openIndex();
    return this.#index;
  }

  /** Makes sure that the pack can be read. Throws `CorruptObjectError` and `FileVanishedError`. */
  open(): void {
    this.#file ??= this.#openPack();
  }

  /** Reads the head of the entry at `offset`. */
  entryAt(offset: number): PackEntry {
    const file = this.#open();
    const { window } = this.#resources;
    if (offset < HEADER_BYTES || offset >= this.#dataEnd(file)) {
      throw this.#corrupt("object is outside of its pack", offset);
    }
    const start = window.move(file, offset, ENTRY_HEAD_BYTES_MAX);
    return new PackEntry(window.buffer, start, window.end, OID_BYTES[this.format]);
  }

  /** Id of the base of a `ref-delta` at `offset`, as bytes of its own. */
  baseOidAt(offset: number, entry: PackEntry): Buffer {
    const file = this.#open();
    const length = OID_BYTES[this.format];
    return file.readExactly(offset + entry.headLength - length, length);
  }

  /** Inflates what belongs to an entry, all at once: at most `entry.size` bytes. */
  inflateEntry(offset: number, entry: PackEntry): Buffer {
    const file = this.#open();
    const start = offset + entry.headLength;
    const available = this.#dataEnd(file) - start;
    // Some writers compress worse than zlib at its worst; nobody needs four times as much.
    const bound = deflatedBytesMax(entry.size);
    for (let length = bound; ; length *= 2) {
      const content = this.#inflate(
        this.#bytesAt(file, start, Math.min(length, available)),
        entry.size,
      );
      if (content !== undefined) return content;
      if (length >= available || length >= bound * 4) {
        throw this.#corrupt("object doesn't end inside its pack", offset);
      }
    }
  }

  /** Inflates at least `length` first bytes of an entry, or all that it has. */
  inflateEntryStart(offset: number, entry: PackEntry, length: number): Buffer {
    const file = this.#open();
    const start = offset + entry.headLength;
    const available = this.#dataEnd(file) - start;
    for (let input = PREFIX_BYTES; ; input *= 4) {
      const prefix = inflatePrefix(this.#bytesAt(file, start, Math.min(input, available)));
      if (prefix.length >= Math.min(length, entry.size)) return prefix;
      if (input >= available || input >= WINDOW_BYTES_MAX) {
        throw this.#corrupt("object doesn't end inside its pack", offset);
      }
    }
  }

  /** Pieces of the pack from where the stream of an entry begins; it ends somewhere in them. */
  *deflatedChunks(offset: number, entry: PackEntry): Generator<Buffer, void, undefined> {
    const file = this.#open();
    const end = this.#dataEnd(file);
    let position = offset + entry.headLength;
    while (position < end) {
      const length = Math.min(STREAM_READ_BYTES, end - position);
      yield file.readExactly(position, length);
      position += length;
    }
  }

  /** Keeps the pack open until the returned function is called. */
  pin(): () => void {
    return this.#open().pin();
  }

  /** Closes pack and index. Reading opens them again. */
  close(): void {
    if (this.#file !== undefined) {
      this.#resources.window.forget(this.#file);
      this.#file.close();
    }
    this.#index?.close();
    this.#file = undefined;
    this.#index = undefined;
  }

  #inflate(input: Buffer, size: number): Buffer | undefined {
    const { inflater } = this.#resources;
    const content = SmallInflater.isFit(input, size) ? inflater.inflate(input, size) : undefined;
    return content ?? inflate(input, size);
  }

  #bytesAt(file: PooledFile, position: number, length: number): Buffer {
    if (length > WINDOW_BYTES_MAX) return file.readExactly(position, length);
    const { window } = this.#resources;
    const start = window.move(file, position, length);
    return window.buffer.subarray(start, Math.min(start + length, window.end));
  }

  #dataEnd(file: PooledFile): number {
    return file.size - OID_BYTES[this.format];
  }

  #open(): PooledFile {
    this.#file ??= this.#openPack();
    return this.#file;
  }

  #openPack(): PooledFile {
    const { index } = this;
    const file = this.#resources.files.open(join(this.#directory, `${this.name}.pack`));
    try {
      this.#checkPack(file, index);
    } catch (error) {
      file.close();
      throw error;
    }
    return file;
  }

  #checkPack(file: PooledFile, index: PackIndex): void {
    const header = file.readExactly(0, HEADER_BYTES);
    const version = header.readUInt32BE(4);
    if (header.readUInt32BE(0) !== SIGNATURE || version < 2 || version > 3) {
      throw this.#corrupt("pack has an unknown version");
    }
    if (header.readUInt32BE(8) !== index.count) {
      throw this.#corrupt("pack has another number of objects than its index");
    }
    const checksum = file.readExactly(this.#dataEnd(file), OID_BYTES[this.format]);
    if (!checksum.equals(index.packChecksum())) {
      throw this.#corrupt("pack doesn't belong to its index");
    }
  }

  #openIndex(): PackIndex {
    const { files, slices } = this.#resources;
    const file = files.open(join(this.#directory, `${this.name}.idx`));
    try {
      return new PackIndex(file, this.format, slices);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  #corrupt(message: string, offset?: number): CorruptObjectError {
    return new CorruptObjectError(message, { metadata: { pack: this.name, offset } });
  }
}

/** Input for the first bytes of a stream: enough for the code tables that come before them. */
const PREFIX_BYTES = 256;

/** Length of the longest stream that zlib makes of `size` bytes, and a little more. */
function deflatedBytesMax(size: number): number {
  return size + Math.ceil(size / 512) + 64;
}
