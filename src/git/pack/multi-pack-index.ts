import { CorruptObjectError } from "../object/object-error.ts";
import { type ObjectFormat, OID_BYTES } from "../oid/oid.ts";
import type { ByteCache } from "./byte-cache.ts";
import { type Chunk, HASH_VERSION, readChunks, requireChunk } from "./chunk-file.ts";
import type { PooledFile } from "./file-pool.ts";
import { FANOUT_BYTES, OidTable, type OidTableSlice } from "./oid-table.ts";

/*
 * Header: "MIDX", version, number of the object format, number of chunks, number of base files,
 * 4 bytes number of packs. Chunks: PNAM (names of the packs' .idx files, each ended by NUL), OIDF
 * (fan-out), OIDL (ids), OOFF (per object 4 bytes pack number and 4 bytes offset), LOFF (8-byte
 * offsets, meant by offsets with the top bit set).
 */
const SIGNATURE = 0x4d494458;
const HEADER_BYTES = 12;
const ROW_BYTES = 8;
const LARGE_OFFSET = 0x80000000;

/** Names of packs together take no more than this, far beyond any real repository. */
const NAMES_BYTES_MAX = 64 * 1024 * 1024;

/** One index over the objects of many packs; a layer when it belongs to a chain. */
export class MultiPackIndex {
  readonly file: PooledFile;
  readonly table: OidTable;
  /** Names of the packs in `objects/pack`, without an extension, by their numbers. */
  readonly packNames: readonly string[];
  readonly #largeOffsets: Chunk | undefined;

  /** Reads what frames the index. Throws `CorruptObjectError`. */
  constructor(file: PooledFile, format: ObjectFormat, cache: ByteCache<OidTableSlice>) {
    this.file = file;
    const header = file.readExactly(0, HEADER_BYTES);
    const version = header[4] ?? 0;
    if (header.readUInt32BE(0) !== SIGNATURE || version < 1 || version > 2) {
      throw this.#corrupt("multi-pack-index has an unknown version");
    }
    if (header[5] !== HASH_VERSION[format]) {
      throw this.#corrupt("multi-pack-index has another object format");
    }
    const chunks = readChunks(file, HEADER_BYTES, header[6] ?? 0, format);
    this.packNames = this.#readNames(requireChunk(file, chunks, "PNAM"), header.readUInt32BE(8));
    const fanout = requireChunk(file, chunks, "OIDF", FANOUT_BYTES);
    const count = file.readExactly(fanout.offset + FANOUT_BYTES - 4, 4).readUInt32BE(0);
    const oidBytes = OID_BYTES[format];
    const layout = {
      fanout: fanout.offset,
      oids: requireChunk(file, chunks, "OIDL", count * oidBytes).offset,
      oidStride: oidBytes,
      values: requireChunk(file, chunks, "OOFF", count * ROW_BYTES).offset,
      valueStride: ROW_BYTES,
    };
    this.#largeOffsets = chunks.get("LOFF");
    this.table = new OidTable(file, layout, format, cache);
  }

  /** Number of objects. */
  get count(): number {
    return this.table.count;
  }

  /** Name of the pack that has the object at a position. Throws `CorruptObjectError`. */
  packNameAt(position: number): string {
    const name = this.packNames[this.table.valueAt(position, 0)];
    if (name === undefined) throw this.#corrupt("multi-pack-index has no such pack");
    return name;
  }

  /** Offset in its pack of the object at a position. Throws `CorruptObjectError`. */
  offsetAt(position: number): number {
    const offset = this.table.valueAt(position, 4);
    const large = this.#largeOffsets;
    if (offset < LARGE_OFFSET || large === undefined) return offset;
    const row = (offset - LARGE_OFFSET) * 8;
    if (row + 8 > large.length) throw this.#corrupt("multi-pack-index has no such large offset");
    return Number(this.file.readExactly(large.offset + row, 8).readBigUInt64BE(0));
  }

  /** Closes the file. */
  close(): void {
    this.table.clear();
    this.file.close();
  }

  #readNames(chunk: Chunk, count: number): string[] {
    if (chunk.length > NAMES_BYTES_MAX) throw this.#corrupt("multi-pack-index has too many packs");
    const bytes = this.file.readExactly(chunk.offset, chunk.length);
    const names: string[] = [];
    let start = 0;
    while (names.length < count) {
      const end = bytes.indexOf(0, start);
      if (end < 0) throw this.#corrupt("multi-pack-index has fewer names than packs");
      names.push(this.#parseName(bytes.toString("latin1", start, end)));
      start = end + 1;
    }
    return names;
  }

  #parseName(name: string): string {
    if (!/^[^/]+\.(?:idx|pack)$/.test(name)) {
      throw this.#corrupt("multi-pack-index has a name that is no pack's");
    }
    return name.replace(/\.(?:idx|pack)$/, "");
  }

  #corrupt(message: string): CorruptObjectError {
    return new CorruptObjectError(message, { metadata: { path: this.file.path } });
  }
}
