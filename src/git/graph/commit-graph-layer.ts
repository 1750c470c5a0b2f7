import { CorruptObjectError } from "../object/object-error.ts";
import { type ObjectFormat, OID_BYTES, type Oid } from "../oid/oid.ts";
import { type Chunk, HASH_VERSION, readChunks, requireChunk } from "../pack/chunk-file.ts";
import type { PooledFile } from "../pack/file-pool.ts";
import { FANOUT_BYTES } from "../pack/oid-table.ts";
import { ChangedPathFilters, FILTER_HEADER_BYTES } from "./changed-path-filters.ts";
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

/** Commits that are decoded at a time, as a power of two. */
const PAGE_BITS = 8;
const PAGE_MASK = (1 << PAGE_BITS) - 1;

/** Memory for a decoded commit beside the id of its tree. */
const PAGE_ROW_BYTES = 24;

/** Some commits as they stand in the file, decoded. */
interface CommitPage {
  readonly firstParents: Uint32Array;
  readonly secondParents: Uint32Array;
  readonly times: Float64Array;
  readonly generations: Float64Array;
  readonly trees: Buffer;
}

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
  /** Whether generations are those dates. To be set before any generation is asked for. */
  usesCorrectedDates = false;
  /** Filters of changed paths, if there are any. */
  readonly filters: ChangedPathFilters | undefined;
  readonly #fanout: Buffer;
  readonly #oids: PagedRows;
  readonly #edges: PagedRows;
  readonly #offsets: Chunk | undefined;
  readonly #largeOffsets: Chunk | undefined;
  readonly #commitsOffset: number;
  readonly #charge: (bytes: number) => void;
  #pages: (CommitPage | undefined)[] = [];

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
    const commits = requireChunk(file, chunks, "CDAT", this.count * commitBytes);
    this.#commitsOffset = commits.offset;
    this.#charge = charge;
    this.#edges = rows(chunks.get("EDGE"), 4);
    const offsets = chunks.get("GDA2");
    this.hasCorrectedDates = offsets !== undefined && offsets.length === this.count * 4;
    this.#offsets = offsets;
    this.#largeOffsets = chunks.get("GDO2");
    this.filters = this.#findFilters(chunks, charge);
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
    const start = this.#oids.offsetOf(position);
    const end = start + OID_BYTES[this.format];
    return this.#oids.pageOf(position).toString("hex", start, end) as Oid;
  }

  treeAt(position: number): Oid {
    const { trees } = this.#pageOf(position);
    const length = OID_BYTES[this.format];
    const start = (position & PAGE_MASK) * length;
    return trees.toString("hex", start, start + length) as Oid;
  }

  /** Time of the commit in seconds. */
  timeAt(position: number): number {
    return this.#pageOf(position).times[position & PAGE_MASK] ?? 0;
  }

  /**
   * A number that is larger than that of every ancestor: the topological level, or, if
   * `usesCorrectedDates`, the time unless a parent's is later. 0 if it was never computed.
   */
  generationAt(position: number): number {
    return this.#pageOf(position).generations[position & PAGE_MASK] ?? 0;
  }

  /** The topological level, whatever is used otherwise. */
  levelAt(position: number): number {
    const oidBytes = OID_BYTES[this.format];
    const row = this.#commitsOffset + position * (oidBytes + 16);
    return this.file.readExactly(row + oidBytes + 8, 4).readUInt32BE(0) >>> 2;
  }

  /** Positions of the parents in the whole graph, unchecked. */
  parentsAt(position: number): number[] {
    const page = this.#pageOf(position);
    const first = page.firstParents[position & PAGE_MASK] ?? NO_PARENT;
    if (first === NO_PARENT) return [];
    const second = page.secondParents[position & PAGE_MASK] ?? NO_PARENT;
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

  /** Position of the first parent in the whole graph, unchecked; `undefined` without parents. */
  firstParentAt(position: number): number | undefined {
    const parent = this.#pageOf(position).firstParents[position & PAGE_MASK] ?? NO_PARENT;
    return parent === NO_PARENT ? undefined : parent;
  }

  /** Gives the memory back. */
  clear(): void {
    this.#oids.clear();
    this.#edges.clear();
    this.filters?.clear();
    this.#pages = [];
  }

  corrupt(message: string): CorruptObjectError {
    return new CorruptObjectError(message, { metadata: { path: this.file.path } });
  }

  #pageOf(position: number): CommitPage {
    return this.#pages[position >>> PAGE_BITS] ?? this.#readPage(position >>> PAGE_BITS);
  }

  #readPage(number: number): CommitPage {
    const start = number << PAGE_BITS;
    const count = Math.min(this.count - start, 1 << PAGE_BITS);
    if (count <= 0) throw this.corrupt("commit-graph has no such commit");
    const oidBytes = OID_BYTES[this.format];
    const rowBytes = oidBytes + 16;
    const rows = this.file.readExactly(this.#commitsOffset + start * rowBytes, count * rowBytes);
    const page = {
      firstParents: new Uint32Array(count),
      secondParents: new Uint32Array(count),
      times: new Float64Array(count),
      generations: new Float64Array(count),
      trees: Buffer.allocUnsafeSlow(count * oidBytes),
    };
    for (let i = 0, row = 0; i < count; i++, row += rowBytes) {
      rows.copy(page.trees, i * oidBytes, row, row + oidBytes);
      page.firstParents[i] = rows.readUInt32BE(row + oidBytes);
      page.secondParents[i] = rows.readUInt32BE(row + oidBytes + 4);
      const levelAndTime = rows.readUInt32BE(row + oidBytes + 8);
      page.times[i] = (levelAndTime & 3) * 2 ** 32 + rows.readUInt32BE(row + oidBytes + 12);
      page.generations[i] = levelAndTime >>> 2;
    }
    if (this.usesCorrectedDates) this.#correct(start, page);
    this.#pages[number] = page;
    this.#charge(count * (oidBytes + PAGE_ROW_BYTES));
    return page;
  }

  /** Puts corrected dates in the place of topological levels. */
  #correct(start: number, { times, generations }: CommitPage): void {
    const offset = this.#offsets?.offset ?? 0;
    const offsets = this.file.readExactly(offset + start * 4, times.length * 4);
    for (const [i, time] of times.entries()) {
      const value = offsets.readUInt32BE(i * 4);
      generations[i] =
        time + (value < OVERFLOW_BIT ? value : this.#largeOffset(value - OVERFLOW_BIT));
    }
  }

  #largeOffset(row: number): number {
    const chunk = this.#largeOffsets;
    if (chunk === undefined || (row + 1) * 8 > chunk.length) {
      throw this.corrupt("commit-graph has no such large offset");
    }
    return Number(this.file.readExactly(chunk.offset + row * 8, 8).readBigUInt64BE(0));
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

  #findFilters(
    chunks: ReadonlyMap<string, Chunk>,
    charge: (bytes: number) => void,
  ): ChangedPathFilters | undefined {
    const index = chunks.get("BIDX");
    const data = chunks.get("BDAT");
    if (index === undefined || data === undefined) return undefined;
    // Git leaves out filters that are cut short, too.
    if (index.length !== this.count * 4 || data.length < FILTER_HEADER_BYTES) return undefined;
    return new ChangedPathFilters(this.file, { index, data }, charge);
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
