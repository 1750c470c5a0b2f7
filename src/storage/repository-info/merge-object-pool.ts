import type { LooseObjectsInfo } from "./loose-objects-info.ts";
import type { PackfilesInfo } from "./packfiles-info.ts";
import type { RepositoryInfo } from "./repository-info.ts";

/** What counts of an object pool for the repositories that borrow from it. */
export type PoolInfo = Pick<RepositoryInfo, "looseObjects" | "packfiles">;

/** Adds the objects of an object pool to those of a repository that borrows from it. */
export function mergeObjectPool(member: RepositoryInfo, pool: PoolInfo): RepositoryInfo {
  return {
    ...member,
    looseObjects: addLooseObjects(member.looseObjects, pool.looseObjects),
    packfiles: addPackfiles(member.packfiles, pool.packfiles),
  };
}

function addLooseObjects(one: LooseObjectsInfo, other: LooseObjectsInfo): LooseObjectsInfo {
  return {
    count: one.count + other.count,
    size: one.size + other.size,
    staleCount: one.staleCount + other.staleCount,
    staleSize: one.staleSize + other.staleSize,
    garbageCount: one.garbageCount + other.garbageCount,
    garbageSize: one.garbageSize + other.garbageSize,
  };
}

function addPackfiles(one: PackfilesInfo, other: PackfilesInfo): PackfilesInfo {
  return {
    count: one.count + other.count,
    size: one.size + other.size,
    reverseIndexCount: one.reverseIndexCount + other.reverseIndexCount,
    cruftCount: one.cruftCount + other.cruftCount,
    cruftSize: one.cruftSize + other.cruftSize,
    keepCount: one.keepCount + other.keepCount,
    keepSize: one.keepSize + other.keepSize,
    garbageCount: one.garbageCount + other.garbageCount,
    garbageSize: one.garbageSize + other.garbageSize,
    // Members of a pool have neither bitmaps nor a multi-pack-index of their own.
    bitmap: other.bitmap,
    multiPackIndex: other.multiPackIndex,
    multiPackIndexBitmap: other.multiPackIndexBitmap,
    lastFullRepackMs: one.lastFullRepackMs,
  };
}
