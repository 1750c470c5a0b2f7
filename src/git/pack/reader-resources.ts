import type { ObjectType } from "../object/object-type.ts";
import { ByteCache } from "./byte-cache.ts";
import { FilePool } from "./file-pool.ts";
import { MemoryBudget } from "./memory-budget.ts";
import type { OidTableSlice } from "./oid-table.ts";
import { ReadWindow } from "./read-window.ts";
import { ScratchBuffers } from "./scratch-buffers.ts";
import { SmallInflater } from "./small-inflater.ts";

/** Bounds of what all readers of one process hold together. */
export interface ReaderLimits {
  /** Open files of object stores. */
  readonly descriptorsMax: number;
  /** Memory for stretches of pack indexes. */
  readonly indexBytesMax: number;
  /** Memory for contents of objects, most of them bases of deltas. */
  readonly contentBytesMax: number;
  /** Memory for what is known of histories. */
  readonly graphBytesMax: number;
}

/** Limits for a server with many repositories. */
export const DEFAULT_READER_LIMITS: ReaderLimits = {
  descriptorsMax: 1024,
  indexBytesMax: 256 * 1024 * 1024,
  contentBytesMax: 128 * 1024 * 1024,
  graphBytesMax: 256 * 1024 * 1024,
};

/** An object in the cache; its id is known to whoever looked it up. */
export interface CachedContent {
  readonly type: ObjectType;
  readonly content: Buffer;
}

/** Files and memory that the readers of all repositories share. */
export class ReaderResources {
  readonly files: FilePool;
  readonly slices: ByteCache<OidTableSlice>;
  readonly contents: ByteCache<CachedContent>;
  readonly graphs: MemoryBudget;
  readonly inflater: SmallInflater = new SmallInflater();
  readonly window: ReadWindow = new ReadWindow();
  readonly scratch: ScratchBuffers = new ScratchBuffers();

  /** Limits that are left out have their default. */
  constructor(given: Partial<ReaderLimits> = {}) {
    const limits = { ...DEFAULT_READER_LIMITS, ...given };
    this.files = new FilePool(limits.descriptorsMax);
    this.slices = new ByteCache(limits.indexBytesMax);
    this.graphs = new MemoryBudget(limits.graphBytesMax);
    this.contents = new ByteCache(limits.contentBytesMax, unshare);
  }
}

/**
 * Copies a small content out of the pool from which Node allocates it: one that stays would keep
 * the whole pool in memory.
 */
function unshare(cached: CachedContent): CachedContent {
  const { content, type } = cached;
  if (content.buffer.byteLength === content.length) return cached;
  const copy = Buffer.allocUnsafeSlow(content.length);
  content.copy(copy);
  return { type, content: copy };
}
