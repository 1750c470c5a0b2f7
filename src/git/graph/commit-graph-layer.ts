import { CorruptObjectError } from "../object/object-error.ts";
import { type ObjectFormat, OID_BYTES, type Oid } from "../oid/oid.ts";
import { type Chunk, HASH_VERSION, readChunks, requireChunk } from "../pack/chunk-file.ts";
import type { PooledFile } from "../pack/file-pool.ts";
import { FANOUT_BYTES } from "../pack/oid-table.ts";
import { PagedRows } from "./paged-rows.ts";

/*
 * Header: "CGPH", version 1, number of the object format, number of chunks, number of base files.
 * Chunks: OIDF (fan-out), OIDL (ids), CDAT (tree id, two parents, level and time), EDGE (further
 * parents), GDA2 and GDO2 (corrected dates), BIDX and BDAT (filters of changed paths), BASE.
 */
const SIGNATURE = 0x43475048;
const HEADER_BYTES = 8;

/** In the place of a parent's position: there is none. */
const NO_PARENT = 0x70000000;

/** In the place of the second parent: the others stand in the list of edges. In that list: the last. */
const EDGE_BIT = 0x80000000;

/** In the place of a corrected date: it stands in the list of large ones. */
const OVERFLOW_BIT = 0x80000000;

/** One file of a commit-graph. Positions are those in the file, parents those in the whole graph. */
export class CommitGraphLayer {
  readonly file: PooledFile;
  readonly format: ObjectFormat;
  readonly count: number;
  /** Name in a chain: the file's own checksum. */
  readonly checksum: string;
  /** Checksums of the layers below, the lowest first. */
  readonly baseChecksums: readonly string[];
  readonly hasCorrectedDates: boolean;
  /** Where filters of changed paths are, if both parts are there. */
  readonly filterChunks: { readonly index: Chunk; readonly data: Chunk } | undefined;
  readonly #fanout: Buffer;
  readonly #oids: PagedRows;
  readonly #commits: PagedRows;
  readonly #edges: PagedRows;
  readonly #offsets: PagedRows;
  readonly #largeOffsets: PagedRows;

  /** Reads what frames the file. Throws `CorruptObjectError`. */
  constructor(file: PooledFile, format: ObjectFormat, charge: (bytes: number) => void) {
    this.file = file;
    this.format = format;
    const oidBytes = OID_BYTES[format];
    const header = file.readExactly(0, HEADER_BYTES);
    if (header.readUInt32BE(0) !== SIGNATURE || header[4] !== 1) {
      throw this.corrupt("commit-graph has an unknown version");
    }
    if (header[5] !== HASH_VERSION[format]) {
      throw this.corrupt("commit-graph has another object format");
    }
    const chunks = readChunks(file, HEADER_BYTES, header[6] ?? 0, format);
    const fanout = requireChunk(file, chunks, "OIDF", FANOUT_BYTES);
    this.#fanout = file.readExactly(fanout.offset, FANOUT_BYTES);
    this.count = this.#checkFanout();
    const rows = (chunk: Chunk | undefined, rowBytes: number): PagedRows => {
      const { offset, length } = chunk ?? { offset: 0, length: 0 };
      return new PagedRows(file, offset, rowBytes, Math.floor(length / rowBytes), charge);
    };
    const commitBytes = oidBytes + 16;
    this.#oids = rows(requireChunk(file, chunks, "OIDL", this.count * oidBytes), oidBytes);
    this.#commits = rows(requireChunk(file, chunks, "CDAT", this.count * commitBytes), commitBytes);
    this.#edges = rows(chunks.get("EDGE"), 4);
    const offsets = chunks.get("GDA2");
    this.hasCorrectedDates = offsets !== undefined && offsets.length === this.count * 4;
    this.#offsets = rows(offsets, 4);
    this.#largeOffsets = rows(chunks.get("GDO2"), 8);
    this.filterChunks = this.#findFilters(chunks);
    this.checksum = file.readExactly(file.size - oidBytes, oidBytes).toString("hex");
    this.baseChecksums = this.#readBases(chunks.get("BASE"), header[7] ?? 0);
  }

  /** Returns the position of the id whose bytes are given, or -1. */
  find(oid: Buffer): number {
    const first = oid[0] ?? 0;
    let low = first === 0 ? 0 : this.#fanout.readUInt32BE((first - 1) * 4);
    let high = this.#fanout.readUInt32BE(first * 4);
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = this.#compare(middle, oid);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }

  oidAt(position: number): Oid {
    return this.#oidIn(this.#oids, position);
  }

  treeAt(position: number): Oid {
    return this.#oidIn(this.#commits, position);
  }

  /** Time of the commit in seconds. */
  timeAt(position: number): number {
    const at = OID_BYTES[this.format] + 8;
    const high = this.#commits.uint32(position, at) & 3;
    return high * 2 ** 32 + this.#commits.uint32(position, at + 4);
  }

  /** The topological level: one more than that of the highest parent, 0 if it was never computed. */
  levelAt(position: number): number {
    return this.#commits.uint32(position, OID_BYTES[this.format] + 8) >>> 2;
  }

  /** The corrected commit date: the time, or more where a parent's is later. */
  correctedDateAt(position: number): number {
    const offset = this.#offsets.uint32(position, 0);
    if (offset < OVERFLOW_BIT) return this.timeAt(position) + offset;
    const row = offset - OVERFLOW_BIT;
    if (row >= this.#largeOffsets.count) {
      throw this.corrupt("commit-graph has no such large offset");
    }
    const large = this.#largeOffsets.uint32(row, 0) * 2 ** 32 + this.#largeOffsets.uint32(row, 4);
    return this.timeAt(position) + large;
  }

  /** Positions of the parents in the whole graph, unchecked. */
  parentsAt(position: number): number[] {
    const at = OID_BYTES[this.format];
    const first = this.#commits.uint32(position, at);
    if (first === NO_PARENT) return [];
    const second = this.#commits.uint32(position, at + 4);
    if (second === NO_PARENT) return [first];
    if (second < EDGE_BIT) return [first, second];
    const parents = [first];
    for (let row = second - EDGE_BIT; ; row++) {
      if (row >= this.#edges.count) throw this.corrupt("commit-graph has no such edge");
      const edge = this.#edges.uint32(row, 0);
      parents.push(edge >= EDGE_BIT ? edge - EDGE_BIT : edge);
      if (edge >= EDGE_BIT) return parents;
    }
  }

  /** Gives the memory back. */
  clear(): void {
    for (const rows of [this.#oids, this.#commits, this.#edges, this.#offsets]) rows.clear();
    this.#largeOffsets.clear();
  }

  corrupt(message: string): CorruptObjectError {
    return new CorruptObjectError(message, { metadata: { path: this.file.path } });
  }

  #oidIn(rows: PagedRows, position: number): Oid {
    const start = rows.offsetOf(position);
    return rows.pageOf(position).toString("hex", start, start + OID_BYTES[this.format]) as Oid;
  }

  #compare(position: number, oid: Buffer): number {
    const page = this.#oids.pageOf(position);
    const start = this.#oids.offsetOf(position);
    for (let i = 0; i < oid.length; i++) {
      const difference = (page[start + i] ?? 0) - (oid[i] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  #checkFanout(): number {
    let previous = 0;
    for (let i = 0; i < 256; i++) {
      const count = this.#fanout.readUInt32BE(i * 4);
      if (count < previous) throw this.corrupt("commit-graph has a fan-out table out of order");
      previous = count;
    }
    return previous;
  }

  #findFilters(chunks: ReadonlyMap<string, Chunk>): CommitGraphLayer["filterChunks"] {
    const index = chunks.get("BIDX");
    const data = chunks.get("BDAT");
    if (index === undefined || data === undefined) return undefined;
    // Git leaves out filters that are cut short, too.
    if (index.length !== this.count * 4 || data.length < FILTER_HEADER_BYTES) return undefined;
    return { index, data };
  }

  #readBases(chunk: Chunk | undefined, count: number): string[] {
    const oidBytes = OID_BYTES[this.format];
    if (count === 0) return [];
    if (chunk === undefined || chunk.length < count * oidBytes) {
      throw this.corrupt("commit-graph doesn't name its base");
    }
    const bytes = this.file.readExactly(chunk.offset, count * oidBytes);
    return Array.from({ length: count }, (_, i) =>
      bytes.toString("hex", i * oidBytes, (i + 1) * oidBytes),
    );
  }
}

/** Three numbers stand before the filters: version, hashes for each path, bits for each entry. */
export const FILTER_HEADER_BYTES = 12;
