import { CorruptObjectError } from "../object/object-error.ts";
import { type ObjectFormat, OID_BYTES, type Oid } from "../oid/oid.ts";
import type { ByteCache, CachePartition } from "./byte-cache.ts";
import type { PooledFile } from "./file-pool.ts";

/** Length of the table that starts every sorted list of ids: one number per first byte. */
export const FANOUT_BYTES = 1024;

/** Where in a file a sorted list of ids stands, and the values that belong to them. */
export interface OidTableLayout {
  /** Offset of the fan-out table. */
  readonly fanout: number;
  /** Offset of the first id, and the distance between two. */
  readonly oids: number;
  readonly oidStride: number;
  /** Offset of the first value, and the distance between two: a value has that many bytes. */
  readonly values: number;
  readonly valueStride: number;
}

/** A stretch of the table in memory: all ids that begin with certain bytes. */
export interface OidTableSlice {
  /** Position in the table of the first id. */
  readonly start: number;
  readonly count: number;
  readonly oids: Buffer;
  readonly values: Buffer;
}

/** Slices are made at least this long, so that small tables are read at once. */
const SLICE_BYTES_MIN = 32 * 1024;

/**
 * A sorted list of object ids in a file, with a value for each of them: the heart of pack indexes
 * and multi-pack-indexes.
 *
 * Read slice by slice as it is needed, since a request touches few of the ids.
 */
export class OidTable {
  readonly file: PooledFile;
  readonly format: ObjectFormat;
  readonly #layout: OidTableLayout;
  readonly #fanout: Uint32Array;
  /** First bytes per slice, as a power of two. */
  readonly #sliceBits: number;
  readonly #slices: CachePartition<OidTableSlice>;
  #latest: OidTableSlice | undefined;

  /** Throws `CorruptObjectError` when the fan-out table isn't in order. */
  constructor(
    file: PooledFile,
    layout: OidTableLayout,
    format: ObjectFormat,
    cache: ByteCache<OidTableSlice>,
  ) {
    this.file = file;
    this.format = format;
    this.#layout = layout;
    this.#fanout = readFanout(file, layout.fanout);
    this.#slices = cache.partition();
    const bytesPerFirst = (this.count * (layout.oidStride + layout.valueStride)) / 256;
    let bits = 0;
    while (bits < 8 && bytesPerFirst * 2 ** bits < SLICE_BYTES_MIN) bits++;
    this.#sliceBits = bits;
  }

  /** Number of ids. */
  get count(): number {
    return this.#fanout[255] ?? 0;
  }

  /** Returns the position of the id whose bytes are given, or -1. */
  find(oid: Buffer): number {
    const first = oid[0] ?? 0;
    const start = this.#startOf(first);
    const end = this.#startOf(first + 1);
    if (start === end) return -1;
    const slice = this.#sliceOf(first);
    const position = this.#searchNear(slice, oid, this.#guess(slice, oid, start, end), start, end);
    return position < end && this.#compare(slice, position, oid, oid.length) === 0 ? position : -1;
  }

  /**
   * The first `countMax` ids that begin with these hexadecimal digits, which are two or more and
   * in lower case.
   */
  withPrefix(prefix: string, countMax: number): Oid[] {
    const bytes = Buffer.from(prefix.length % 2 === 0 ? prefix : `${prefix}0`, "hex");
    const [start, end] = this.range(bytes[0] ?? 0);
    if (start === end) return [];
    const oids: Oid[] = [];
    const slice = this.#sliceOf(bytes[0] ?? 0);
    let position = this.#search(slice, bytes, bytes.length, start, end);
    for (; position < end && oids.length < countMax; position++) {
      const oid = this.oidAt(position);
      if (!oid.startsWith(prefix)) break;
      oids.push(oid);
    }
    return oids;
  }

  /** Positions of the ids that begin with byte `first`: from the first one up to the second. */
  range(first: number): readonly [start: number, end: number] {
    return [this.#startOf(first), this.#startOf(first + 1)];
  }

  /** The id at a position. */
  oidAt(position: number): Oid {
    const slice = this.#sliceAt(position);
    const offset = (position - slice.start) * this.#layout.oidStride;
    return slice.oids.toString("hex", offset, offset + OID_BYTES[this.format]) as Oid;
  }

  /** Reads the big-endian 32-bit number at byte `at` of the value at a position. */
  valueAt(position: number, at: number): number {
    const slice = this.#sliceAt(position);
    return slice.values.readUInt32BE((position - slice.start) * this.#layout.valueStride + at);
  }

  /** Gives back the memory. */
  clear(): void {
    this.#slices.clear();
    this.#latest = undefined;
  }

  #startOf(first: number): number {
    return first === 0 ? 0 : (this.#fanout[first - 1] ?? 0);
  }

  /**
   * Where a whole id should stand: ids are spread evenly, so that the bytes behind the first one
   * tell. Halving the table instead would touch memory in many more places.
   */
  #guess(slice: OidTableSlice, oid: Buffer, start: number, end: number): number {
    const { oids } = slice;
    const stride = this.#layout.oidStride;
    const density = (end - start) / KEY_END;
    const key = keyAt(oid, 0);
    let position = start + Math.floor(key * density);
    for (let steps = 0; steps < CORRECTIONS_MAX; steps++) {
      const distance = key - keyAt(oids, (position - slice.start) * stride);
      const correction = Math.trunc(distance * density);
      if (correction === 0) break;
      position = Math.min(Math.max(position + correction, start), end - 1);
    }
    return position;
  }

  /** As `#search`, for what should stand near a place between `start` and `end`. */
  #searchNear(slice: OidTableSlice, oid: Buffer, near: number, start: number, end: number): number {
    const { length } = oid;
    let step = 1;
    if (this.#compare(slice, near, oid, length) < 0) {
      while (near + step < end && this.#compare(slice, near + step, oid, length) < 0) step *= 2;
      const low = near + Math.floor(step / 2) + 1;
      return this.#search(slice, oid, length, low, Math.min(near + step, end));
    }
    while (near - step >= start && this.#compare(slice, near - step, oid, length) >= 0) step *= 2;
    const low = Math.max(near - step + 1, start);
    return this.#search(slice, oid, length, low, near - Math.floor(step / 2));
  }

  #search(slice: OidTableSlice, oid: Buffer, length: number, start: number, end: number): number {
    let low = start;
    let high = end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(slice, middle, oid, length) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compare(slice: OidTableSlice, position: number, oid: Buffer, length: number): number {
    const { oids } = slice;
    const offset = (position - slice.start) * this.#layout.oidStride;
    for (let i = 0; i < length; i++) {
      const difference = (oids[offset + i] ?? 0) - (oid[i] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  #sliceAt(position: number): OidTableSlice {
    const latest = this.#latest;
    if (latest !== undefined && isInside(latest, position)) return latest;
    let low = 0;
    let high = 255;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#fanout[middle] ?? 0) > position) high = middle;
      else low = middle + 1;
    }
    const slice = this.#sliceOf(low);
    if (isInside(slice, position)) return slice;
    throw new CorruptObjectError("position is outside of the index", {
      metadata: { path: this.file.path, position },
    });
  }

  #sliceOf(first: number): OidTableSlice {
    const key = first >> this.#sliceBits;
    const cached = this.#slices.get(key);
    const slice = cached ?? this.#readSlice(key);
    this.#latest = slice;
    return slice;
  }

  #readSlice(key: number): OidTableSlice {
    const { oids, oidStride, values, valueStride } = this.#layout;
    const start = this.#startOf(key << this.#sliceBits);
    const count = this.#startOf((key + 1) << this.#sliceBits) - start;
    const slice = {
      start,
      count,
      oids: this.file.readExactly(oids + start * oidStride, count * oidStride),
      values: this.file.readExactly(values + start * valueStride, count * valueStride),
    };
    this.#slices.set(key, slice, count * (oidStride + valueStride));
    return slice;
  }
}

/** Three bytes behind the first one of an id, as a number. */
function keyAt(oids: Buffer, offset: number): number {
  return ((oids[offset + 1] ?? 0) << 16) | ((oids[offset + 2] ?? 0) << 8) | (oids[offset + 3] ?? 0);
}

/** No key is as large. */
const KEY_END = 1 << 24;

/** After so many, a guess is as good as it gets. */
const CORRECTIONS_MAX = 3;

function isInside(slice: OidTableSlice, position: number): boolean {
  return position >= slice.start && position < slice.start + slice.count;
}

function readFanout(file: PooledFile, offset: number): Uint32Array {
  const bytes = file.readExactly(offset, FANOUT_BYTES);
  const fanout = new Uint32Array(256);
  let previous = 0;
  for (let i = 0; i < 256; i++) {
    const count = bytes.readUInt32BE(i * 4);
    if (count < previous) {
      throw new CorruptObjectError("index has a fan-out table out of order", {
        metadata: { path: file.path },
      });
    }
    fanout[i] = count;
    previous = count;
  }
  return fanout;
}
