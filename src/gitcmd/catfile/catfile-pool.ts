import { setMaxListeners } from "node:events";
import { stat } from "node:fs/promises";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { CommandUsage } from "../command-usage.ts";
import type { GitDirectory } from "../git-directory.ts";
import { GitCommandError, type GitRunner } from "../git-runner.ts";
import { CatfileLease } from "./catfile-lease.ts";
import { CatfileMetrics } from "./catfile-metrics.ts";
import { CatfileProcess, type CatfileRequest, type ObjectInfo } from "./catfile-process.ts";
import { IdleCache } from "./idle-cache.ts";

/** Default of `catfile_cache_size`: how many processes wait for more work. */
export const CATFILE_CACHE_SIZE = 100;

/** How many of them for one repository, so that calls at the same time find one each. */
const IDLE_PER_REPOSITORY_MAX = 8;
const IDLE_MS = 10_000;
/** However busy, a process isn't used longer: it keeps packs open that are gone. */
const AGE_MS_MAX = 300_000;
/** Requests that are sent ahead of their answers. */
const WINDOW = 64;

export interface CatfilePoolOptions {
  readonly git: GitRunner;
  readonly metrics: MetricRegistry;
  /** `catfile_cache_size` of the configuration; 0 and less mean `CATFILE_CACHE_SIZE`. */
  readonly cacheSize?: number;
  /** How long a process waits for more work. Default: 10 s. */
  readonly idleMs?: number;
}

export interface CatfileOptions {
  readonly signal: AbortSignal;
  /** Takes the counters `catfile.*`; its RPC labels the metrics of the process. */
  readonly usage?: CommandUsage;
  /** Names in commits and tags are replaced by those of HEAD's `.mailmap`. */
  readonly mailmap?: boolean;
}

/** Anything that git resolves to an object: `HEAD`, an id, `main:path`. Any bytes but NUL. */
export type CatfileRevision = string | Uint8Array;

/** Many of them, at hand or coming. */
export type CatfileRevisions = Iterable<CatfileRevision> | AsyncIterable<CatfileRevision>;

/** An object whose content comes from git as it is read. */
export interface CatfileObject extends ObjectInfo {
  /** Can be read once. */
  readonly content: AsyncGenerator<Buffer, void, undefined>;
}

interface PooledProcess {
  readonly key: string;
  readonly mailmap: boolean;
  readonly process: CatfileProcess;
  readonly startedMs: number;
  /** Of the git directory: later another one may stand at the same path. */
  readonly inode: string;
}

/**
 * Reads objects through long-lived `git cat-file` processes, which are kept for a while after each
 * use since reads come in bursts.
 *
 * Requests that see different objects (another repository, another quarantine) never share a
 * process. A call that is aborted, or that leaves much unread, takes its process with it.
 * Everything throws `AmbiguousRevisionError`, `CatfileError` or `GitExitError` where git says so.
 */
export class CatfilePool implements AsyncDisposable {
  readonly #git: GitRunner;
  readonly #metrics: CatfileMetrics;
  readonly #idle: IdleCache<PooledProcess>;
  readonly #running = new Set<CatfileProcess>();
  readonly #disposed = new AbortController();

  constructor({ git, metrics, cacheSize = 0, idleMs = IDLE_MS }: CatfilePoolOptions) {
    this.#git = git;
    this.#idle = new IdleCache({
      sizeMax: cacheSize > 0 ? cacheSize : CATFILE_CACHE_SIZE,
      sizePerKeyMax: IDLE_PER_REPOSITORY_MAX,
      idleMs,
      evict: ({ process }) => process.kill(),
    });
    this.#metrics = new CatfileMetrics(metrics, (mailmap) =>
      this.#idle.count((pooled) => pooled.mailmap === mailmap),
    );
    setMaxListeners(0, this.#disposed.signal);
  }

  /** Undefined when there is no such object. */
  async objectInfo(
    directory: GitDirectory,
    revision: CatfileRevision,
    options: CatfileOptions,
  ): Promise<ObjectInfo | undefined> {
    const bytes = toBytes(revision);
    await using lease = await this.#lease(directory, options);
    lease.send("info", [bytes]);
    return await lease.readInfo("info");
  }

  /**
   * Undefined when there is no such object. The process belongs to the object until its content was
   * read, or it is disposed of.
   */
  async object(
    directory: GitDirectory,
    revision: CatfileRevision,
    options: CatfileOptions,
  ): Promise<(CatfileObject & AsyncDisposable) | undefined> {
    const bytes = toBytes(revision);
    await using stack = new AsyncDisposableStack();
    const lease = stack.use(await this.#lease(directory, options));
    lease.send("contents", [bytes]);
    const info = await lease.readInfo("contents");
    if (info === undefined) return undefined;
    const owned = stack.move();
    return {
      ...info,
      content: contentThenDispose(lease, owned),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  }

  /** One answer for each revision, in their order; undefined where there is no such object. */
  async *objectInfos(
    directory: GitDirectory,
    revisions: CatfileRevisions,
    options: CatfileOptions,
  ): AsyncGenerator<ObjectInfo | undefined, void, undefined> {
    await using lease = await this.#lease(directory, options);
    for await (const count of sendAhead(lease, "info", revisions)) {
      for (let index = 0; index < count; index++) yield await lease.readInfo("info");
    }
  }

  /**
   * One object for each revision, in their order; undefined where there is none. An object's
   * content can be read until the next one is asked for.
   */
  async *objects(
    directory: GitDirectory,
    revisions: CatfileRevisions,
    options: CatfileOptions,
  ): AsyncGenerator<CatfileObject | undefined, void, undefined> {
    await using lease = await this.#lease(directory, options);
    for await (const count of sendAhead(lease, "contents", revisions)) {
      for (let index = 0; index < count; index++) {
        const info = await lease.readInfo("contents");
        yield info === undefined ? undefined : { ...info, content: lease.readContent() };
        await lease.drain();
      }
    }
  }

  /** Ends all processes, those in use as well. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.abort();
    this.#idle.clear();
    await Promise.all([...this.#running].map((process) => process[Symbol.asyncDispose]()));
  }

  async #lease(directory: GitDirectory, options: CatfileOptions): Promise<CatfileLease> {
    const { signal, usage } = options;
    signal.throwIfAborted();
    const pooled = await this.#takeOrStart(directory, options);
    const lease = new CatfileLease(pooled.process, {
      signal,
      usage,
      metrics: this.#metrics,
      release: () => this.#release(pooled),
    });
    if (!signal.aborted) return lease;
    await lease[Symbol.asyncDispose]();
    throw signal.reason;
  }

  async #takeOrStart(directory: GitDirectory, options: CatfileOptions): Promise<PooledProcess> {
    const mailmap = options.mailmap ?? false;
    const key = keyOf(directory, mailmap);
    const inode = await inodeOf(directory.path);
    for (let pooled = this.#idle.take(key); pooled !== undefined; pooled = this.#idle.take(key)) {
      if (pooled.inode === inode && isFresh(pooled)) {
        this.#metrics.recordCache("hit");
        return pooled;
      }
      pooled.process.kill();
    }
    this.#metrics.recordCache("miss");
    const process = await this.#start(directory, mailmap, options.usage);
    return { key, mailmap, process, startedMs: performance.now(), inode };
  }

  /** The process may serve other calls later, so it doesn't end with the one that starts it. */
  async #start(
    directory: GitDirectory,
    mailmap: boolean,
    usage: CommandUsage | undefined,
  ): Promise<CatfileProcess> {
    const flags = ["-Z", "--batch-command", "--buffer"];
    const git = await this.#git.start(
      directory,
      { name: "cat-file", flags: mailmap ? ["--use-mailmap", ...flags] : flags },
      { signal: this.#disposed.signal, stdin: "pipe", usage: new CommandUsage(usage?.rpc) },
    );
    const process = new CatfileProcess(git);
    this.#running.add(process);
    this.#metrics.recordStart();
    void git.exited.then(() => {
      this.#running.delete(process);
      this.#metrics.recordEnd();
    });
    return process;
  }

  async #release(pooled: PooledProcess): Promise<void> {
    const { process } = pooled;
    if (process.isClean && isFresh(pooled) && !this.#disposed.signal.aborted) {
      if (this.#idle.put(pooled.key, pooled)) return;
      this.#metrics.recordCache("duplicate");
    } else if (process.isUsable && !process.isClean) {
      this.#metrics.recordCache("dirty");
    }
    await process[Symbol.asyncDispose]();
  }
}

/** Sends the next window before the answers of the last are read; yields how many those are. */
async function* sendAhead(
  lease: CatfileLease,
  request: CatfileRequest,
  revisions: CatfileRevisions,
): AsyncGenerator<number, void, undefined> {
  let window: Buffer[] = [];
  let sent = 0;
  for await (const revision of revisions) {
    window.push(toBytes(revision));
    if (window.length < WINDOW) continue;
    lease.send(request, window);
    if (sent > 0) yield sent;
    sent = window.length;
    window = [];
  }
  if (window.length > 0) lease.send(request, window);
  if (sent > 0) yield sent;
  if (window.length > 0) yield window.length;
}

async function* contentThenDispose(
  lease: CatfileLease,
  owner: AsyncDisposable,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* lease.readContent();
  } finally {
    await owner[Symbol.asyncDispose]();
  }
}

function toBytes(revision: CatfileRevision): Buffer {
  const bytes = typeof revision === "string" ? Buffer.from(revision) : Buffer.from(revision);
  if (!bytes.includes(0)) return bytes;
  const message = "revision must not contain NUL bytes";
  throw new GitCommandError(message, {}, "invalid-argument");
}

function keyOf(directory: GitDirectory, mailmap: boolean): string {
  const { path, objectDirectory = "", alternateObjectDirectories = [] } = directory;
  return [mailmap, path, objectDirectory, ...alternateObjectDirectories].join("\0");
}

function isFresh({ process, startedMs }: PooledProcess): boolean {
  return process.isClean && performance.now() - startedMs < AGE_MS_MAX;
}

/** Empty when there is nothing, which git will say. */
async function inodeOf(path: string): Promise<string> {
  try {
    const { dev, ino } = await stat(path);
    return `${dev}:${ino}`;
  } catch {
    return "";
  }
}
