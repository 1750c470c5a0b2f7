import { binaryFromText } from "../../git/ref/binary-string.ts";
import { findStats, type ListFolder, listEntries } from "../file/for-each-file.ts";
import { Turns } from "../file/turns.ts";
import { during } from "./inspection-error.ts";

/** Counts and sizes in bytes of loose objects; the stale ones count among the others, too. */
export interface LooseObjectsInfo {
  readonly count: number;
  readonly size: number;
  readonly staleCount: number;
  readonly staleSize: number;
  /** Entries in the folders of loose objects that are none. */
  readonly garbageCount: number;
  readonly garbageSize: number;
}

/** How long an object that nobody touches stays young. */
export const STALE_AFTER_MS: number = 10 * 24 * 60 * 60 * 1000;

/** Counts loose objects; those last changed before `staleBeforeMs` since the epoch are stale. */
export async function readLooseObjectsInfo(
  repositoryPath: string,
  staleBeforeMs: number,
  signal: AbortSignal,
  list: ListFolder = listEntries,
): Promise<LooseObjectsInfo> {
  const info: Counters = { ...NO_LOOSE_OBJECTS };
  const turns = new Turns(signal);
  const objects = binaryFromText(`${repositoryPath}/objects`);
  // Most of the 256 folders don't exist, and it costs to be told so of each.
  const entries = during("reading object directory", () => list(objects));
  for (const shard of entries) {
    if (!/^[0-9a-f]{2}$/.test(shard.name)) continue;
    const folder = `${objects}/${shard.name}`;
    for (const { name } of during("reading loose object shard", () => list(folder))) {
      if (turns.isOver()) await turns.next();
      const stats = during("reading object info", () => findStats(`${folder}/${name}`));
      if (stats !== undefined) count(info, name, stats, staleBeforeMs);
    }
    if (turns.isOver()) await turns.next();
  }
  return info;
}

/** The last digit of the folders that an estimate looks into: one of 16. */
const SAMPLE = "7";

/**
 * Estimates the number of loose objects from some of their folders, over which hashes spread them
 * evenly. Tells nothing of their sizes and ages.
 */
export function estimateLooseObjects(repositoryPath: string): LooseObjectsInfo {
  const objects = binaryFromText(`${repositoryPath}/objects`);
  const shards = during("reading object directory", () => listEntries(objects));
  let sampled = 0;
  let isEmpty = true;
  for (const { name } of shards) {
    if (!/^[0-9a-f]{2}$/.test(name)) continue;
    isEmpty = false;
    if (name[1] !== SAMPLE) continue;
    sampled += during("reading loose object shard", () => listEntries(`${objects}/${name}`)).length;
  }
  return { ...NO_LOOSE_OBJECTS, count: Math.max(sampled * 16, isEmpty ? 0 : 1) };
}

/** Of a repository that has none. */
export const NO_LOOSE_OBJECTS: LooseObjectsInfo = {
  count: 0,
  size: 0,
  staleCount: 0,
  staleSize: 0,
  garbageCount: 0,
  garbageSize: 0,
};

type Counters = { -readonly [K in keyof LooseObjectsInfo]: LooseObjectsInfo[K] };

function count(
  info: Counters,
  name: string,
  { size, mtimeMs }: { readonly size: number; readonly mtimeMs: number },
  staleBeforeMs: number,
): void {
  if (!/^[0-9a-f]*$/.test(name)) {
    info.garbageCount++;
    info.garbageSize += size;
    return;
  }
  info.count++;
  info.size += size;
  if (mtimeMs >= staleBeforeMs) return;
  info.staleCount++;
  info.staleSize += size;
}
