import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import type { Logger } from "../../base/log/logger.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { FolderListings } from "../file/folder-listings.ts";
import type { LocatedRepository, RepositoryAddress } from "../locator/repository-locator.ts";
import { cleanConfig } from "./clean-config.ts";
import { cleanWorktrees } from "./clean-worktrees.ts";
import { removeEmptyRefDirectories } from "./empty-ref-directories.ts";
import type { HousekeepingMetrics } from "./housekeeping-metrics.ts";
import { hasWork, type OptimizationPlan, type Planner, planByNeed } from "./optimization-plan.ts";
import { glanceAtRepositoryState, readRepositoryState } from "./read-repository-state.ts";
import { removeAbandonedLocks } from "./remove-abandoned-locks.ts";
import { repositoryStateFields } from "./repository-state-fields.ts";
import {
  HousekeepingError,
  type HousekeepingRun,
  packRefs,
  pruneObjects,
  repackObjects,
  writeCommitGraph,
} from "./run-optimization.ts";
import { findStaleFiles } from "./stale-files.ts";
import { TidyMemory } from "./tidy-memory.ts";
import { WriteCounter } from "./write-counter.ts";

interface Needs {
  readonly git: GitRunner;
  readonly logger: Logger;
  readonly metrics: HousekeepingMetrics;
}

/** What was done, by the name that metrics have for it. */
type Outcomes = Map<string, "success" | "failure">;

/** What is to be done, what was done, and what was seen while it was decided. */
interface Run {
  readonly plan: OptimizationPlan;
  readonly outcomes: Outcomes;
  readonly listings: FolderListings;
  /** Nothing has changed since there was nothing to remove. */
  readonly isKnown: boolean;
}

/**
 * Keeps repositories tidy: removes what processes that died have left, and packs what is there so
 * that it is found quickly. One at a time works on a repository.
 */
export class Housekeeping {
  readonly #git: GitRunner;
  readonly #logger: Logger;
  readonly #metrics: HousekeepingMetrics;
  readonly #running = new Set<string>();
  readonly #tidy = new TidyMemory();
  readonly #writes = new WriteCounter();

  constructor({ git, logger, metrics }: Needs) {
    this.#git = git;
    this.#logger = logger;
    this.#metrics = metrics;
  }

  /** Counts a write to a repository. */
  noteWrite(address: RepositoryAddress): void {
    this.#writes.note(address);
  }

  /**
   * Does what `plan` decides on. Nothing when another one is at it.
   *
   * @throws InspectionError, HousekeepingError
   */
  async optimize(
    repository: LocatedRepository,
    options: HousekeepingRun,
    plan: Planner = planByNeed,
  ): Promise<void> {
    const { path } = repository;
    if (this.#running.has(path)) return;
    this.#running.add(path);
    try {
      await this.#optimize(repository, options, plan);
    } finally {
      this.#running.delete(path);
    }
  }

  /**
   * As `optimize`, for repositories that are looked at often: does nothing, not even remove what
   * others have left, when a glance at the repository shows no need of what `plan` decides on.
   */
  async optimizeIfNeeded(
    repository: LocatedRepository,
    options: HousekeepingRun,
    plan: Planner,
  ): Promise<void> {
    const state = await doing("deriving repository info", options, () =>
      glanceAtRepositoryState(repository, options.signal),
    );
    const writes = this.#writes.count(repository);
    if (hasWork(plan(state, Date.now(), writes))) await this.optimize(repository, options, plan);
  }

  /**
   * Removes what is of no use, or was left by processes that died.
   *
   * @param listings of the repository, made a moment ago
   * @returns whether there was anything to remove
   */
  async cleanStaleData(
    repository: LocatedRepository,
    options: HousekeepingRun,
    listings: FolderListings = new FolderListings(),
  ): Promise<boolean> {
    const { path } = repository;
    const nowMs = Date.now();
    const abandoned = await removeAbandonedLocks(path, options.signal, listings);
    const found = await findStaleFiles(path, nowMs, options.signal, listings);
    const counts = new Map([...found].map(([kind, files]) => [kind, files.length]));
    counts.set("locks", (counts.get("locks") ?? 0) + abandoned);
    for (const file of [...found.values()].flat()) {
      await rm(Buffer.from(bytesFromBinary(file)), { recursive: true, force: true });
    }
    const directories = await removeEmptyRefDirectories(path, nowMs, options.signal, listings);
    counts.set("refsemptydir", directories);
    counts.set("infoattributes", await removeInfoAttributes(path));
    for (const [kind, count] of await cleanConfig(this.#git, repository, options)) {
      counts.set(kind, count);
    }
    this.#report(counts, options);
    return [...counts.values()].some((count) => count > 0);
  }

  #report(counts: ReadonlyMap<string, number>, { logFields }: HousekeepingRun): void {
    const removed = [...counts].filter(([, count]) => count > 0);
    for (const [kind, count] of removed) this.#metrics.countPruned(kind, count);
    if (removed.length === 0) return;
    const fields = removed.map(([kind, count]) => [`stale_data.${kind}`, count] as const);
    this.#logger.info("removed files", { ...logFields, ...Object.fromEntries(fields) });
  }

  async #optimize(
    repository: LocatedRepository,
    options: HousekeepingRun,
    planner: Planner,
  ): Promise<void> {
    const nowMs = Date.now();
    const listings = new FolderListings();
    const known = this.#tidy.recall(repository.path, nowMs);
    const state =
      known ??
      (await doing("deriving repository info", options, () =>
        readRepositoryState(repository, options.signal, nowMs, listings.list),
      ));
    const { logFields } = options;
    const fields = { ...logFields, repository_info: repositoryStateFields(state) };
    this.#logger.info("repository info", fields);
    this.#metrics.observeState(state, nowMs);
    const writes = this.#writes.count(repository);
    const plan = planner(state, nowMs, writes);
    const outcomes: Outcomes = new Map();
    const beganMs = performance.now();
    let status: "success" | "failure" = "failure";
    try {
      const isKnown = known !== undefined;
      const wasDirty = await this.#run(repository, options, { plan, outcomes, listings, isKnown });
      const isTidy = !wasDirty && outcomes.size === 0;
      if (isTidy && !isKnown) this.#tidy.remember(repository.path, nowMs, { state, listings });
      if (joinsPacks(plan)) this.#writes.forget(repository, writes);
      status = "success";
    } finally {
      const seconds = this.#metrics.observeTask("total", beganMs);
      for (const [task, outcome] of outcomes) this.#metrics.countTask(task, outcome);
      this.#metrics.countTask("total", status);
      this.#logger.info("optimized repository", {
        correlation_id: logFields?.["correlation_id"],
        optimizations: Object.fromEntries(outcomes),
        total_time: seconds,
        storage_name: repository.storageName,
        relative_path: repository.relativePath,
        gl_project_path: repository.glProjectPath,
        gl_repo: repository.glRepository,
      });
    }
  }

  async #run(
    repository: LocatedRepository,
    options: HousekeepingRun,
    { plan, outcomes, listings, isKnown }: Run,
  ): Promise<boolean> {
    const git = this.#git;
    const { repack, pruneBeforeMs, commitGraph } = plan;
    const task = async (
      name: string,
      what: string,
      done: readonly string[],
      work: () => Promise<void>,
    ): Promise<void> => {
      const beganMs = performance.now();
      for (const outcome of done) outcomes.set(outcome, "failure");
      await doing(what, options, work);
      for (const outcome of done) outcomes.set(outcome, "success");
      this.#metrics.observeTask(name, beganMs);
    };
    let wasDirty = false;
    await task("clean-stale-data", "could not execute housekeeping", [], async () => {
      if (!isKnown) wasDirty = await this.cleanStaleData(repository, options, listings);
    });
    await task("clean-worktrees", "could not clean up worktrees", [], async () => {
      if (isKnown) return;
      if (await cleanWorktrees(git, repository, Date.now(), options)) wasDirty = true;
    });
    await task("repack", "could not repack", repackOutcomes(plan), async () => {
      if (repack !== undefined) await repackObjects(git, repository, repack, options);
    });
    const pruned = pruneBeforeMs === undefined ? [] : ["pruned_objects"];
    await task("prune", "could not prune: pruning objects", pruned, async () => {
      if (pruneBeforeMs !== undefined) await pruneObjects(git, repository, pruneBeforeMs, options);
    });
    const packed = plan.packRefs ? ["packed_refs"] : [];
    await task("pack-refs", "could not pack refs", packed, async () => {
      if (plan.packRefs) await packRefs(git, repository, options);
    });
    const written = commitGraph === undefined ? [] : [GRAPH_OUTCOMES[commitGraph]];
    const writing = "could not write commit-graph: writing commit-graph";
    await task("commit-graph", writing, written, async () => {
      if (commitGraph !== undefined) await writeCommitGraph(git, repository, commitGraph, options);
    });
    return wasDirty;
  }
}

const GRAPH_OUTCOMES = {
  replace: "written_commit_graph_full",
  extend: "written_commit_graph_incremental",
} as const;

function joinsPacks({ repack }: OptimizationPlan): boolean {
  return repack !== undefined && repack.strategy !== "incremental_with_unreachable";
}

function repackOutcomes({ repack }: OptimizationPlan): string[] {
  if (repack === undefined) return [];
  return [
    `packed_objects_${repack.strategy}`,
    ...(repack.writeBitmap ? ["written_bitmap"] : []),
    ...(repack.writeMultiPackIndex ? ["written_multi_pack_index"] : []),
  ];
}

async function doing<T>(
  what: string,
  { signal }: HousekeepingRun,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof DomainError ? error.message : systemErrorText(error);
    const cause = error instanceof HousekeepingError ? error.cause : error;
    throw new HousekeepingError(`${what}: ${reason}`, cause);
  }
}

/** Attributes are read from the default branch; those in this file would win over them. */
async function removeInfoAttributes(path: string): Promise<number> {
  const file = join(path, "info/attributes");
  // Hardly any repository has it, and to fail to remove it costs much more than to look.
  if (!existsSync(file)) return 0;
  try {
    await rm(file);
    return 1;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0;
    throw error;
  }
}
