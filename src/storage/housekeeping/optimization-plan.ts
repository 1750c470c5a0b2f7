import { STALE_AFTER_MS } from "../repository-info/loose-objects-info.ts";
import type { RepositoryInfo } from "../repository-info/repository-info.ts";

/** How objects are packed anew; metrics call the ways so. */
export interface RepackPlan {
  readonly strategy: /** All loose objects go into one more pack. */
    | "incremental_with_unreachable"
    /** Packs are joined until each has at least twice as many objects as the next smaller one. */
    | "geometric"
    /** One pack for what is reachable, another one for the rest, of which old objects go. */
    | "full_with_cruft"
    /** One pack for everything. */
    | "full_with_unreachable";
  readonly writeBitmap: boolean;
  readonly writeMultiPackIndex: boolean;
  /** Unreachable objects last touched before go; in milliseconds since the epoch. */
  readonly expireBeforeMs?: number;
}

/** What is done to a repository. */
export interface OptimizationPlan {
  readonly repack: RepackPlan | undefined;
  /** Loose unreachable objects last touched before go; in milliseconds since the epoch. */
  readonly pruneBeforeMs: number | undefined;
  readonly packRefs: boolean;
  readonly commitGraph: "replace" | "extend" | undefined;
}

/** What plans are made from. */
export interface RepositoryState extends RepositoryInfo {
  readonly isObjectPool: boolean;
  /** Sizes in bytes of the tables of references, the oldest first; empty for other formats. */
  readonly reftableSizes: readonly number[];
}

/** Decides what to do to a repository that was written to so often since its packs were joined. */
export type Planner = (state: RepositoryState, nowMs: number, writes?: number) => OptimizationPlan;

/** The parts of a plan, which may be due at different times. */
export type HousekeepingOperation =
  | "repack_refs"
  | "repack_objects"
  | "prune_objects"
  | "write_commit_graph";

/** More loose objects than this are too many. */
export const LOOSE_OBJECTS_MAX = 1024;

/** Everything is packed anew at most this often. */
const FULL_REPACK_COOLDOWN_MS = 5 * 24 * 60 * 60 * 1000;

/** Does what is worth it, so that large repositories are seldom written anew. */
export function planByNeed(state: RepositoryState, nowMs: number, writes = 0): OptimizationPlan {
  const repack = repackByNeed(state, nowMs, writes);
  const { isObjectPool, looseObjects } = state;
  // Members of a pool may need what nobody in the pool itself does.
  const prunes = !isObjectPool && looseObjects.staleCount > LOOSE_OBJECTS_MAX;
  return {
    repack,
    pruneBeforeMs: prunes ? nowMs - STALE_AFTER_MS : undefined,
    packRefs: needsPackedRefs(state),
    commitGraph: commitGraphByNeed(state, repack, prunes),
  };
}

/** Does everything, whether there is need of it or not. */
export const planEverything: Planner = (state, nowMs) => ({
  repack: fullRepack(state, nowMs),
  pruneBeforeMs: state.isObjectPool ? undefined : nowMs - STALE_AFTER_MS,
  packRefs: true,
  commitGraph: "replace",
});

/** As `planByNeed`, for some operations only, and however often was written: it is asked all the time. */
export function planSome(operations: readonly HousekeepingOperation[]): Planner {
  const enabled = new Set(operations);
  return (state, nowMs) => {
    const plan = planByNeed(state, nowMs);
    return {
      repack: enabled.has("repack_objects") ? plan.repack : undefined,
      pruneBeforeMs: enabled.has("prune_objects") ? plan.pruneBeforeMs : undefined,
      packRefs: enabled.has("repack_refs") && plan.packRefs,
      commitGraph: enabled.has("write_commit_graph") ? plan.commitGraph : undefined,
    };
  };
}

/** Whether a plan has anything to do. */
export function hasWork({
  repack,
  pruneBeforeMs,
  packRefs,
  commitGraph,
}: OptimizationPlan): boolean {
  return (
    repack !== undefined || pruneBeforeMs !== undefined || packRefs || commitGraph !== undefined
  );
}

/** A bitmap needs all objects that are reachable from others in the same pack. */
function canHaveBitmap({ alternates }: RepositoryInfo): boolean {
  return (alternates?.objectDirectories.length ?? 0) === 0;
}

function fullRepack(state: RepositoryState, nowMs: number): RepackPlan {
  const common = { writeBitmap: canHaveBitmap(state), writeMultiPackIndex: true };
  if (state.isObjectPool) return { strategy: "full_with_unreachable", ...common };
  return { strategy: "full_with_cruft", ...common, expireBeforeMs: nowMs - STALE_AFTER_MS };
}

function repackByNeed(
  state: RepositoryState,
  nowMs: number,
  writes: number,
): RepackPlan | undefined {
  const { packfiles, looseObjects, alternates } = state;
  if (packfiles.count === 0 && looseObjects.count === 0) return undefined;
  const lastFullMs = packfiles.lastFullRepackMs ?? Number.NEGATIVE_INFINITY;
  // It has joined an object pool since: what the pool has as well can go.
  if (alternates !== undefined && alternates.modifiedMs > lastFullMs) {
    return fullRepack(state, nowMs);
  }
  const isFullDue = nowMs - lastFullMs > FULL_REPACK_COOLDOWN_MS;
  if (packfiles.count - packfiles.cruftCount > 1 && isFullDue) return fullRepack(state, nowMs);
  if (hasTooManyNewPacks(state) || isLeftBehind(state, writes)) {
    const writeBitmap = canHaveBitmap(state);
    return { strategy: "geometric", writeBitmap, writeMultiPackIndex: true };
  }
  if (looseObjects.count <= LOOSE_OBJECTS_MAX) return undefined;
  const strategy = "incremental_with_unreachable";
  return { strategy, writeBitmap: false, writeMultiPackIndex: false };
}

const MEBIBYTE = 1024 * 1024;
const NEW_PACKS_MIN = 2;

/** Packs that the multi-pack-index doesn't know yet; large repositories may have more of them. */
function hasTooManyNewPacks({ packfiles }: RepositoryState): boolean {
  const { count, size, multiPackIndex } = packfiles;
  if (multiPackIndex === undefined) return true;
  const allowed = Math.log(Math.floor(size / MEBIBYTE)) / Math.log(1.8);
  const newCount = count - multiPackIndex.packfileCount;
  // An index that knows of packs which are gone has to be written anew, too.
  return newCount < 0 || newCount > Math.floor(Math.max(NEW_PACKS_MIN, allowed));
}

const WRITES_MIN = 200;
const WRITES_PER_MEBIBYTE = 10;

/**
 * Whether bitmaps miss what so many writes have brought, however few objects and packs that is:
 * clones have to look for it, and compress it, each time. In a large repository it takes long to
 * write bitmaps anew.
 */
function isLeftBehind(state: RepositoryState, writes: number): boolean {
  const { packfiles, looseObjects } = state;
  if (!canHaveBitmap(state)) return false;
  if (writes < Math.max(WRITES_MIN, (packfiles.size / MEBIBYTE) * WRITES_PER_MEBIBYTE))
    return false;
  return looseObjects.count > 0 || packfiles.count > (packfiles.multiPackIndex?.packfileCount ?? 0);
}

function commitGraphByNeed(
  state: RepositoryState,
  repack: RepackPlan | undefined,
  prunes: boolean,
): OptimizationPlan["commitGraph"] {
  const { references, commitGraph } = state;
  const { format, looseCount, packedSize } = references;
  if (format === "files" && looseCount === 0 && packedSize === 0) return undefined;
  // It may tell of commits that are about to go.
  if (prunes || repack?.strategy === "full_with_cruft") return "replace";
  const isComplete =
    commitGraph !== undefined &&
    commitGraph.chainLength > 0 &&
    commitGraph.hasBloomFilters &&
    commitGraph.hasGenerationData;
  if (!isComplete) return "replace";
  return repack === undefined ? undefined : "extend";
}

const LOOSE_REFS_MIN = 16;
const REFTABLE_OVERHEAD_BYTES = 28;

function needsPackedRefs({ references, reftableSizes }: RepositoryState): boolean {
  if (reftableSizes.length > 1) {
    return reftableSizes.some((size, index) => {
      const next = reftableSizes[index + 1];
      if (next === undefined) return false;
      return size - REFTABLE_OVERHEAD_BYTES < (next - REFTABLE_OVERHEAD_BYTES) * 2;
    });
  }
  const { looseCount, packedSize } = references;
  const limit = Math.max(LOOSE_REFS_MIN, Math.log(packedSize / 100) / Math.log(1.15));
  return looseCount >= Math.floor(limit);
}
