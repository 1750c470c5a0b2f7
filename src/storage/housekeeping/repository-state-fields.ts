import type { LogFields } from "../../base/log/logger.ts";
import type { PackfilesInfo } from "../repository-info/packfiles-info.ts";
import type { RepositoryState } from "./optimization-plan.ts";

/** How the log tells a time that isn't known. */
const NO_TIME = "0001-01-01T00:00:00Z";

/** A repository's state by the names that Gitaly's log has for its parts. */
export function repositoryStateFields(state: RepositoryState): LogFields {
  const { isObjectPool, looseObjects, packfiles, references, commitGraph, alternates } = state;
  return {
    is_object_pool: isObjectPool,
    loose_objects: {
      count: looseObjects.count,
      size: looseObjects.size,
      stale_count: looseObjects.staleCount,
      stale_size: looseObjects.staleSize,
      garbage_count: looseObjects.garbageCount,
      garbage_size: looseObjects.garbageSize,
    },
    packfiles: packfilesFields(packfiles),
    references: {
      loose_references_count: references.looseCount,
      packed_references_size: references.packedSize,
      reftable_tables: state.reftableSizes.map((size) => ({ size })),
      reference_backend: references.format,
    },
    commit_graph: {
      exists: commitGraph !== undefined,
      commit_graph_chain_length: commitGraph?.chainLength ?? 0,
      has_bloom_filters: commitGraph?.hasBloomFilters ?? false,
      has_generation_data: commitGraph?.hasGenerationData ?? false,
      has_generation_data_overflow: commitGraph?.hasGenerationDataOverflow ?? false,
    },
    alternates: {
      exists: alternates !== undefined,
      object_directories: alternates?.objectDirectories ?? [],
      last_modified: timeText(alternates?.modifiedMs),
    },
  };
}

function packfilesFields(packfiles: PackfilesInfo): LogFields {
  const { multiPackIndex } = packfiles;
  return {
    count: packfiles.count,
    size: packfiles.size,
    reverse_index_count: packfiles.reverseIndexCount,
    cruft_count: packfiles.cruftCount,
    cruft_size: packfiles.cruftSize,
    keep_count: packfiles.keepCount,
    keep_size: packfiles.keepSize,
    garbage_count: packfiles.garbageCount,
    garbage_size: packfiles.garbageSize,
    bitmap: bitmapFields(packfiles.bitmap),
    multi_pack_index: {
      exists: multiPackIndex !== undefined,
      version: multiPackIndex?.version ?? 0,
      packfile_count: multiPackIndex?.packfileCount ?? 0,
      has_large_offsets: multiPackIndex?.hasLargeOffsets ?? false,
      has_bitmapped_packs: multiPackIndex?.hasBitmappedPacks ?? false,
      has_reverse_index: multiPackIndex?.hasReverseIndex ?? false,
    },
    multi_pack_index_bitmap: bitmapFields(packfiles.multiPackIndexBitmap),
    last_full_repack: timeText(packfiles.lastFullRepackMs),
  };
}

function bitmapFields(bitmap: PackfilesInfo["bitmap"]): LogFields {
  return {
    exists: bitmap !== undefined,
    version: bitmap?.version ?? 0,
    has_hash_cache: bitmap?.hasHashCache ?? false,
    has_lookup_table: bitmap?.hasLookupTable ?? false,
  };
}

function timeText(timeMs: number | undefined): string {
  return timeMs === undefined ? NO_TIME : new Date(timeMs).toISOString();
}
