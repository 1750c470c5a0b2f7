import type { PooledFile } from "../pack/file-pool.ts";
import { type CommitGraphLayer, FILTER_HEADER_BYTES } from "./commit-graph-layer.ts";
import type { PathSelection } from "./path-selection.ts";

/** Seeds of the two hashes from which all others are made. */
const SEED_1 = 0x293ae76f;
const SEED_2 = 0x7e646e2c;

/** No writer uses more hashes; a number beyond it is damage. */
const HASHES_MAX = 64;

/** Filters that are read at a time. */
const PAGE_BYTES = 32 * 1024;

/**
 * The changed-path filters of one layer of a commit-graph, asked about a selection.
 *
 * A filter is an array of bits in which each path that a commit changes, and each folder above it,
 * has set some: when one of a path's bits isn't set, the commit left it as it was in its first
 * parent.
 */
export class ChangedPathFilter {
  readonly #file: PooledFile;
  readonly #index: number;
  readonly #data: { readonly offset: number; readonly length: number };
  /** Hashes of each path and the folders above it; absent if the filters can't be used. */
  readonly #keys: readonly (readonly Uint32Array[])[] | undefined;
  readonly #count: number;
  #indexPage: Page | undefined;
  #dataPage: Page | undefined;

  constructor(layer: CommitGraphLayer, selection: PathSelection) {
    const chunks = layer.filterChunks;
    this.#file = layer.file;
    this.#count = layer.count;
    this.#index = chunks?.index.offset ?? 0;
    const data = chunks?.data ?? { offset: 0, length: FILTER_HEADER_BYTES };
    this.#data = {
      offset: data.offset + FILTER_HEADER_BYTES,
      length: data.length - FILTER_HEADER_BYTES,
    };
    if (chunks === undefined) return;
    const header = this.#file.readExactly(chunks.data.offset, FILTER_HEADER_BYTES);
    const hashes = header.readUInt32BE(4);
    if (hashes > HASHES_MAX || !isUsable(header.readUInt32BE(0), selection)) return;
    this.#keys = selection.paths.map((path) => pathKeys(path, hashes));
  }

  /** `false` when the commit at a position surely changes nothing that is selected. */
  mayChange(position: number): boolean {
    if (this.#keys === undefined || position >= this.#count) return true;
    const start = position === 0 ? 0 : this.#endAt(position - 1);
    const end = this.#endAt(position);
    if (end <= start || end > this.#data.length) return true;
    const filter = this.#bytes(start, end);
    return this.#keys.some((keys) => keys.every((hashes) => hasBits(filter, hashes)));
  }

  #endAt(position: number): number {
    const at = this.#index + position * 4;
    const limit = this.#index + this.#count * 4;
    this.#indexPage = pageWith(this.#file, this.#indexPage, at, 4, limit);
    return this.#indexPage.bytes.readUInt32BE(at - this.#indexPage.start);
  }

  #bytes(start: number, end: number): Buffer {
    const at = this.#data.offset + start;
    const limit = this.#data.offset + this.#data.length;
    this.#dataPage = pageWith(this.#file, this.#dataPage, at, end - start, limit);
    const offset = at - this.#dataPage.start;
    return this.#dataPage.bytes.subarray(offset, offset + end - start);
  }
}

interface Page {
  readonly start: number;
  readonly bytes: Buffer;
}

/** A stretch of the file that has what is asked for; neighbours are likely to be asked for next. */
function pageWith(
  file: PooledFile,
  page: Page | undefined,
  at: number,
  length: number,
  limit: number,
): Page {
  if (page !== undefined && at >= page.start && at + length <= page.start + page.bytes.length) {
    return page;
  }
  const end = Math.min(Math.max(at + length, at + PAGE_BYTES), limit);
  return { start: at, bytes: file.readExactly(at, Math.max(end - at, length)) };
}

/**
 * Version 1 hashes bytes above 127 in a way that depends on the machine; for all others it is the
 * same as version 2.
 */
function isUsable(version: number, { paths }: PathSelection): boolean {
  if (version !== 1 && version !== 2) return false;
  if (paths.some((path) => path.length === 0)) return false;
  return version === 2 || paths.every((path) => path.every((byte) => byte < 0x80));
}

function pathKeys(path: Buffer, count: number): Uint32Array[] {
  const keys = [hashesOf(path, count)];
  for (let slash = path.indexOf(SLASH); slash >= 0; slash = path.indexOf(SLASH, slash + 1)) {
    keys.push(hashesOf(path.subarray(0, slash), count));
  }
  return keys;
}

const SLASH = 0x2f;

function hashesOf(path: Buffer, count: number): Uint32Array {
  const first = murmur3(path, SEED_1);
  const second = murmur3(path, SEED_2);
  return Uint32Array.from({ length: count }, (_, i) => (first + Math.imul(i, second)) >>> 0);
}

function hasBits(filter: Buffer, hashes: Uint32Array): boolean {
  const bits = filter.length * 8;
  for (const hash of hashes) {
    const bit = hash % bits;
    if (((filter[bit >>> 3] ?? 0) & (1 << (bit & 7))) === 0) return false;
  }
  return true;
}

/** The 32-bit hash MurmurHash3. */
export function murmur3(bytes: Buffer, seed: number): number {
  let hash = seed;
  const blocks = bytes.length - (bytes.length % 4);
  for (let i = 0; i < blocks; i += 4) {
    hash = rotate(hash ^ scramble(bytes.readUInt32LE(i)), 13);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  if (blocks < bytes.length) {
    let rest = 0;
    for (let i = bytes.length - 1; i >= blocks; i--) rest = (rest << 8) | (bytes[i] ?? 0);
    hash ^= scramble(rest);
  }
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function scramble(block: number): number {
  return Math.imul(rotate(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
