import type { ChangedPathFilters } from "./changed-path-filters.ts";
import type { CommitGraphLayer } from "./commit-graph-layer.ts";

/** Seeds of the two hashes from which all others are made. */
const SEED_1 = 0x293ae76f;
const SEED_2 = 0x7e646e2c;

/** No writer uses more hashes; a number beyond it is damage. */
const HASHES_MAX = 64;

/**
 * The changed-path filters of one layer of a commit-graph, asked about some paths.
 *
 * Each path that a commit changes, and each folder above it, has set some bits in the commit's
 * filter: when one of them isn't set, the commit left the path as it was in its first parent.
 */
export class ChangedPathFilter {
  readonly #filters: ChangedPathFilters | undefined;
  /** Hashes of each path and the folders above it. */
  readonly #keys: readonly (readonly Uint32Array[])[];

  /** The paths are in git's form, without a slash in the end. */
  constructor({ filters }: CommitGraphLayer, paths: readonly Buffer[]) {
    const isKnown = filters !== undefined && filters.hashCount <= HASHES_MAX;
    this.#filters = isKnown && isUsable(filters.version, paths) ? filters : undefined;
    const count = this.#filters?.hashCount ?? 0;
    this.#keys = paths.map((path) => pathKeys(path, count));
  }

  /**
   * `false` when the commit at a position surely changes none of the paths; `undefined` when it has
   * no filter.
   */
  mayChange(position: number): boolean | undefined {
    const filters = this.#filters;
    if (filters?.find(position) !== true) return undefined;
    for (const keys of this.#keys) if (mayHaveAll(filters, keys)) return true;
    return false;
  }

  /**
   * Those of `paths`, numbers of paths, that the commit at a position may change; `undefined` when it
   * has no filter.
   */
  mayChangeOf(position: number, paths: readonly number[]): readonly number[] | undefined {
    const filters = this.#filters;
    if (filters?.find(position) !== true) return undefined;
    let found: number[] | undefined;
    for (const path of paths) {
      const keys = this.#keys[path];
      if (keys !== undefined && !mayHaveAll(filters, keys)) continue;
      found ??= [];
      found.push(path);
    }
    return found ?? NONE;
  }
}

const NONE: readonly number[] = [];

function mayHaveAll(filters: ChangedPathFilters, keys: readonly Uint32Array[]): boolean {
  for (const hashes of keys) if (!filters.mayHave(hashes)) return false;
  return true;
}

/**
 * Version 1 hashes bytes above 127 in a way that depends on the machine; for all others it is the
 * same as version 2.
 */
function isUsable(version: number, paths: readonly Buffer[]): boolean {
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
