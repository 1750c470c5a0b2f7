import { CorruptObjectError } from "../object/object-error.ts";
import { type ObjectFormat, OID_BYTES } from "../oid/oid.ts";
import type { ByteCache } from "./byte-cache.ts";
import type { PooledFile } from "./file-pool.ts";
import { FANOUT_BYTES, OidTable, type OidTableLayout, type OidTableSlice } from "./oid-table.ts";

/*
 * Version 1: fan-out table, then per object a 4-byte offset and its id.
 * Version 2: "\377tOc", the number 2, fan-out table, all ids, a 4-byte checksum each, a 4-byte
 * offset each (with the top bit set: a position in the next table), 8-byte offsets.
 * Both end with the pack's checksum and their own.
 */
const MAGIC = 0xff744f63;
const HEADER_BYTES = 8;
const LARGE_OFFSET = 0x80000000;

/** The index of one pack: where in it each object stands. */
export class PackIndex {
  readonly file: PooledFile;
  readonly table: OidTable;
  readonly #largeOffsets: number;
  readonly #largeOffsetCount: number;
  readonly #trailer: number;

  /** Reads what frames the index. Throws `CorruptObjectError`. */
  constructor(file: PooledFile, format: ObjectFormat, cache: ByteCache<OidTableSlice>) {
    this.file = file;
    const oidBytes = OID_BYTES[format];
    this.#trailer = file.size - 2 * oidBytes;
    const header = file.readExactly(0, HEADER_BYTES);
    if (header.readUInt32BE(0) !== MAGIC) {
      this.#largeOffsets = 0;
      this.#largeOffsetCount = 0;
      this.table = openVersion1(file, format, cache, this.#trailer);
      return;
    }
    if (header.readUInt32BE(4) !== 2) throw corrupt(file, "index has an unknown version");
    const count = file.readExactly(HEADER_BYTES + FANOUT_BYTES - 4, 4).readUInt32BE(0);
    const layout = layoutVersion2(count, oidBytes);
    this.#largeOffsets = layout.values + count * 4;
    this.#largeOffsetCount = (this.#trailer - this.#largeOffsets) / 8;
    // One object at least has an offset that needs no entry in the last table.
    if (this.#largeOffsetCount < 0 || this.#largeOffsetCount > Math.max(count - 1, 0)) {
      throw corrupt(file, "index has another size than its objects need");
    }
    this.table = new OidTable(file, layout, format, cache);
  }

  /** Number of objects. */
  get count(): number {
    return this.table.count;
  }

  /** Returns the offset in the pack of the object whose id's bytes are given, or -1. */
  find(oid: Buffer): number {
    const position = this.table.find(oid);
    return position < 0 ? -1 : this.offsetAt(position);
  }

  /** Offset in the pack of the object at a position. Throws `CorruptObjectError`. */
  offsetAt(position: number): number {
    const offset = this.table.valueAt(position, 0);
    if (offset < LARGE_OFFSET || this.#largeOffsets === 0) return offset;
    const row = offset - LARGE_OFFSET;
    if (row >= this.#largeOffsetCount) throw corrupt(this.file, "index has no such large offset");
    return Number(this.file.readExactly(this.#largeOffsets + row * 8, 8).readBigUInt64BE(0));
  }

  /** Checksum of the pack that this index was made for. */
  packChecksum(): Buffer {
    return this.file.readExactly(this.#trailer, OID_BYTES[this.table.format]);
  }

  /** Closes the file. */
  close(): void {
    this.table.clear();
    this.file.close();
  }
}

function openVersion1(
  file: PooledFile,
  format: ObjectFormat,
  cache: ByteCache<OidTableSlice>,
  trailer: number,
): OidTable {
  const stride = 4 + OID_BYTES[format];
  const layout = {
    fanout: 0,
    oids: FANOUT_BYTES + 4,
    oidStride: stride,
    values: FANOUT_BYTES,
    valueStride: stride,
  };
  const table = new OidTable(file, layout, format, cache);
  if (FANOUT_BYTES + table.count * stride !== trailer) {
    throw corrupt(file, "index has another size than its objects need");
  }
  return table;
}

function layoutVersion2(count: number, oidBytes: number): OidTableLayout {
  const oids = HEADER_BYTES + FANOUT_BYTES;
  return {
    fanout: HEADER_BYTES,
    oids,
    oidStride: oidBytes,
    values: oids + count * (oidBytes + 4),
    valueStride: 4,
  };
}

function corrupt(file: PooledFile, message: string): CorruptObjectError {
  return new CorruptObjectError(message, { metadata: { path: file.path } });
}
