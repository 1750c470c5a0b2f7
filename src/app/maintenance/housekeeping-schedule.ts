import type { Logger } from "../../base/log/logger.ts";
import { forEachFile } from "../../storage/file/for-each-file.ts";
import type { Housekeeping } from "../../storage/housekeeping/housekeeping.ts";
import {
  type HousekeepingOperation,
  planSome,
} from "../../storage/housekeeping/optimization-plan.ts";
import type {
  LocatedRepository,
  RepositoryAddress,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";

interface Needs {
  readonly locator: RepositoryLocator;
  readonly housekeeping: Optimizer;
  readonly logger: Logger;
}

type Optimizer = Pick<Housekeeping, "noteWrite" | "optimize" | "optimizeIfNeeded">;

/** When an operation is due. */
interface Threshold {
  readonly operation: HousekeepingOperation;
  /** More writes than this since the last time. */
  readonly writes: number;
}

const THRESHOLDS: readonly Threshold[] = [
  { operation: "repack_refs", writes: 10 },
  { operation: "repack_objects", writes: 20 },
  { operation: "prune_objects", writes: 20 },
  { operation: "write_commit_graph", writes: 20 },
];

const OPERATIONS: readonly HousekeepingOperation[] = THRESHOLDS.map(({ operation }) => operation);

/** A repository with more files than this is looked after though nobody writes to it. */
const FILES_MAX = 500;

/** Repositories that are remembered. Who is forgotten begins to count anew. */
const REPOSITORIES_MAX = 10_000;

/** Repositories that are tidied at the same time; others have to wait for their next write. */
const RUNS_MAX = 2;

/** A repository that is written to all the time is looked at as a whole this often. */
const WHOLE_LOOK_INTERVAL_MS = 60 * 60 * 1000;

interface Activity {
  writes: number;
  isActive: boolean;
  /** Whether the files were counted, which is done once. */
  isCounted: boolean;
  /** When all of it was last looked at, by a clock that never goes back. */
  lookedMs: number;
  /** How many writes there had been when an operation was last done. */
  readonly lastRuns: Map<HousekeepingOperation, number>;
}

function newActivity(): Activity {
  return {
    writes: 0,
    isActive: false,
    isCounted: false,
    lookedMs: Number.NEGATIVE_INFINITY,
    lastRuns: new Map(),
  };
}

/** Has repositories tidied that are written to. It works beside the calls, which never wait. */
export class HousekeepingSchedule implements AsyncDisposable {
  readonly #locator: RepositoryLocator;
  readonly #housekeeping: Optimizer;
  readonly #logger: Logger;
  readonly #activities = new Map<string, Activity>();
  readonly #running = new Set<Promise<void>>();
  readonly #ending = new AbortController();

  constructor({ locator, housekeeping, logger }: Needs) {
    this.#locator = locator;
    this.#housekeeping = housekeeping;
    this.#logger = logger;
  }

  /**
   * Marks a repository as being tidied by a call. Returns what ends that, or undefined when it is
   * being tidied already.
   */
  enter(address: RepositoryAddress): (() => void) | undefined {
    const activity = this.#activityOf(address);
    if (activity.isActive) return undefined;
    activity.isActive = true;
    return () => {
      activity.isActive = false;
    };
  }

  /** Counts a write and begins what is due by now; all of it with `isForced`. */
  noteWrite(address: RepositoryAddress, isForced = false): void {
    const activity = this.#activityOf(address);
    activity.writes += 1;
    this.#housekeeping.noteWrite(address);
    if (isForced) activity.lookedMs = Number.NEGATIVE_INFINITY;
    const due = THRESHOLDS.filter(({ operation, writes }) => {
      return isForced || activity.writes - (activity.lastRuns.get(operation) ?? 0) > writes;
    });
    this.#begin(
      address,
      activity,
      due.map(({ operation }) => operation),
    );
  }

  /** Looks at a repository when it is first read, and begins to tidy it when it has many files. */
  noteRead(address: RepositoryAddress): void {
    const activity = this.#activityOf(address);
    if (activity.isCounted) return;
    activity.isCounted = true;
    this.#run(address, async (repository, signal) => {
      let count = 0;
      await forEachFile(repository.path, () => count++, signal);
      if (count > FILES_MAX) this.#begin(address, activity, OPERATIONS);
    });
  }

  /** Waits until nothing is running any more. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Ends what is running. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.settled();
  }

  #begin(
    address: RepositoryAddress,
    activity: Activity,
    operations: readonly HousekeepingOperation[],
  ): void {
    const isFull = this.#running.size >= RUNS_MAX;
    if (activity.isActive || isFull || operations.length === 0) return;
    for (const operation of operations) activity.lastRuns.set(operation, activity.writes);
    activity.isActive = true;
    const end = (): void => {
      activity.isActive = false;
    };
    const nowMs = performance.now();
    const isGlance = nowMs - activity.lookedMs < WHOLE_LOOK_INTERVAL_MS;
    if (!isGlance) activity.lookedMs = nowMs;
    const way = isGlance ? "optimizeIfNeeded" : "optimize";
    this.#run(
      address,
      (repository, signal) => this.#housekeeping[way](repository, { signal }, planSome(operations)),
      end,
    );
  }

  #run(
    address: RepositoryAddress,
    work: (repository: LocatedRepository, signal: AbortSignal) => Promise<void>,
    end: () => void = () => undefined,
  ): void {
    const { signal } = this.#ending;
    const run = async (): Promise<void> => {
      try {
        signal.throwIfAborted();
        const repository = this.#find(address);
        if (repository !== undefined) await work(repository, signal);
      } catch (error) {
        if (signal.aborted) return;
        const { storageName, relativePath } = address;
        const fields = { error, storage_name: storageName, relative_path: relativePath };
        this.#logger.error("failed scheduled housekeeping", fields);
      } finally {
        end();
      }
    };
    const running = run().finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** A call may have been about a repository that isn't there, or has just been removed. */
  #find(address: RepositoryAddress): LocatedRepository | undefined {
    try {
      const { storageName, relativePath } = address;
      return this.#locator.locate({ storageName, relativePath });
    } catch {
      return undefined;
    }
  }

  #activityOf({ storageName, relativePath }: RepositoryAddress): Activity {
    const key = `${storageName}\0${relativePath}`;
    const known = this.#activities.get(key);
    const activity = known ?? newActivity();
    // To the end of the line.
    this.#activities.delete(key);
    this.#activities.set(key, activity);
    for (const [oldest, { isActive }] of this.#activities) {
      if (this.#activities.size <= REPOSITORIES_MAX) break;
      if (!isActive) this.#activities.delete(oldest);
    }
    return activity;
  }
}
