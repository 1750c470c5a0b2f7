import type { Counter } from "../../base/metric/counter.ts";
import type { Histogram } from "../../base/metric/histogram.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import type { RepositoryState } from "./optimization-plan.ts";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Upper bounds in seconds of the time since everything was packed anew. */
const AGE_BUCKETS = [
  ...[1, MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE],
  ...[HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 18 * HOUR],
  ...[1, 2, 3, 5, 7, 14, 21, 28].map((days) => days * DAY),
];

/** What housekeeping finds in repositories and does to them, counted. */
export class HousekeepingMetrics {
  readonly #tasks: Counter<"housekeeping_task" | "status">;
  readonly #latencies: Histogram<"housekeeping_task" | "stage">;
  readonly #prunedFiles: Counter<"filetype">;
  readonly #existences: Counter<"data_structure" | "exists">;
  readonly #counts: Histogram<"data_structure">;
  readonly #sizes: Histogram<"data_structure">;
  readonly #ages: Histogram<"data_structure">;

  /** @param latencyBuckets upper bounds in seconds of what tasks take */
  constructor(metrics: MetricRegistry, latencyBuckets: readonly number[]) {
    this.#tasks = metrics.counter({
      name: "gitaly_housekeeping_tasks_total",
      help: "Total number of housekeeping tasks performed in the repository",
      labels: ["housekeeping_task", "status"],
    });
    this.#latencies = metrics.histogram({
      name: "gitaly_housekeeping_tasks_latency",
      help: "Latency of the housekeeping tasks performed",
      labels: ["housekeeping_task", "stage"],
      buckets: latencyBuckets,
    });
    this.#prunedFiles = metrics.counter({
      name: "gitaly_housekeeping_pruned_files_total",
      help: "Total number of files pruned",
      labels: ["filetype"],
    });
    this.#existences = metrics.counter({
      name: "gitaly_housekeeping_data_structure_existence_total",
      help: "Total number of data structures that exist in the repository",
      labels: ["data_structure", "exists"],
    });
    this.#counts = metrics.histogram({
      name: "gitaly_housekeeping_data_structure_count",
      help: "Total count of the data structures that exist in the repository",
      labels: ["data_structure"],
      buckets: exponentialBuckets(10_000_000),
    });
    this.#sizes = metrics.histogram({
      name: "gitaly_housekeeping_data_structure_size",
      help: "Total size of the data structures that exist in the repository",
      labels: ["data_structure"],
      buckets: exponentialBuckets(50_000_000_000),
    });
    this.#ages = metrics.histogram({
      name: "gitaly_housekeeping_time_since_last_optimization_seconds",
      help: "Absolute time in seconds since a given optimization has last been performed",
      labels: ["data_structure"],
      buckets: AGE_BUCKETS,
    });
  }

  countTask(task: string, status: "success" | "failure"): void {
    this.#tasks.inc({ housekeeping_task: task, status });
  }

  countPruned(kind: string, count: number): void {
    this.#prunedFiles.inc({ filetype: kind }, count);
  }

  /** Notes how long a task took, and returns the same in seconds. */
  observeTask(task: string, beganMs: number): number {
    const seconds = (performance.now() - beganMs) / 1000;
    this.#latencies.observe({ housekeeping_task: task, stage: "apply" }, seconds);
    return seconds;
  }

  observeState(state: RepositoryState, nowMs: number): void {
    for (const [name, exists] of existences(state)) {
      this.#existences.inc({ data_structure: name, exists: String(exists) });
      this.#existences.inc({ data_structure: name, exists: String(!exists) }, 0);
    }
    for (const [name, count] of counts(state))
      this.#counts.observe({ data_structure: name }, count);
    for (const [name, size] of sizes(state)) this.#sizes.observe({ data_structure: name }, size);
    const seconds = (nowMs - (state.packfiles.lastFullRepackMs ?? 0)) / 1000;
    this.#ages.observe({ data_structure: "packfiles_full_repack" }, seconds);
  }
}

const EXPONENTIAL_COUNT = 32;

function exponentialBuckets(max: number): number[] {
  const factor = max ** (1 / (EXPONENTIAL_COUNT - 1));
  return Array.from({ length: EXPONENTIAL_COUNT }, (_, index) => factor ** index);
}

function existences({ commitGraph, packfiles }: RepositoryState): [string, boolean][] {
  const { bitmap, multiPackIndex, multiPackIndexBitmap } = packfiles;
  return [
    ["commit_graph", commitGraph !== undefined],
    ["commit_graph_bloom_filters", commitGraph?.hasBloomFilters ?? false],
    ["commit_graph_generation_data", commitGraph?.hasGenerationData ?? false],
    ["commit_graph_generation_data_overflow", commitGraph?.hasGenerationDataOverflow ?? false],
    ["bitmap", bitmap !== undefined],
    ["bitmap_hash_cache", bitmap?.hasHashCache ?? false],
    ["bitmap_lookup_table", bitmap?.hasLookupTable ?? false],
    ["multi_pack_index", multiPackIndex !== undefined],
    ["multi_pack_index_bitmap", multiPackIndexBitmap !== undefined],
    ["multi_pack_index_bitmap_hash_cache", multiPackIndexBitmap?.hasHashCache ?? false],
    ["multi_pack_index_bitmap_lookup_table", multiPackIndexBitmap?.hasLookupTable ?? false],
  ];
}

function counts(state: RepositoryState): [string, number][] {
  const { looseObjects, packfiles, commitGraph, references } = state;
  return [
    ["loose_objects_recent", looseObjects.count - looseObjects.staleCount],
    ["loose_objects_stale", looseObjects.staleCount],
    ["commit_graph_chain", commitGraph?.chainLength ?? 0],
    ["packfiles", packfiles.count],
    ["packfiles_cruft", packfiles.cruftCount],
    ["packfiles_keep", packfiles.keepCount],
    ["packfiles_reverse_indices", packfiles.reverseIndexCount],
    ["multi_pack_index_packfile_count", packfiles.multiPackIndex?.packfileCount ?? 0],
    ["loose_references", references.looseCount],
  ];
}

function sizes({ looseObjects, packfiles, references }: RepositoryState): [string, number][] {
  return [
    ["loose_objects_recent", looseObjects.size - looseObjects.staleSize],
    ["loose_objects_stale", looseObjects.staleSize],
    ["packfiles", packfiles.size],
    ["packfiles_cruft", packfiles.cruftSize],
    ["packfiles_keep", packfiles.keepSize],
    ["packed_references", references.packedSize],
  ];
}
