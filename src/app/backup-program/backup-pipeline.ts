import { systemErrorText } from "../../base/error/system-error-text.ts";
import type { Logger } from "../../base/log/logger.ts";
import { type RemoteAddress, SkippedError } from "./backup-operator.ts";

export interface PipelineOptions {
  readonly logger: Logger;
  /** What is done to each repository: `create` or `restore`. */
  readonly name: string;
  /** Repositories at a time; 0 for as many as storages have room. */
  readonly parallel: number;
  /** Repositories of one storage at a time; 0 for no such limit. */
  readonly parallelPerStorage: number;
}

/** Works on many repositories at a time, and remembers how that went. */
export class BackupPipeline {
  readonly #options: PipelineOptions;
  readonly #total: Slots;
  readonly #storages = new Map<string, Slots>();
  readonly #running = new Set<Promise<void>>();
  readonly #failures: string[] = [];
  /** Keys of the repositories for which the work was done. */
  readonly processed: Set<string> = new Set();

  constructor(options: PipelineOptions) {
    const { parallel, parallelPerStorage } = options;
    this.#options = options;
    this.#total = new Slots(
      parallel <= 0 && parallelPerStorage > 0 ? Number.POSITIVE_INFINITY : Math.max(1, parallel),
    );
  }

  /** Begins to work on a repository as soon as its storage has room, and waits for just that. */
  async handle(repository: RemoteAddress, work: () => Promise<void>): Promise<void> {
    const slots = this.#slotsOf(repository.storageName);
    await slots.take();
    const run = this.#run(repository, work).finally(() => {
      slots.release();
      this.#running.delete(run);
    });
    this.#running.add(run);
  }

  /** Waits for what was begun. Returns what has failed, as one text, or undefined. */
  async done(): Promise<string | undefined> {
    await Promise.all(this.#running);
    if (this.#failures.length === 0) return undefined;
    const lines = this.#failures.map((failure) => ` - ${failure}\n`).join("");
    return `pipeline: ${this.#failures.length} failures encountered:\n${lines}`;
  }

  #slotsOf(storageName: string): Slots {
    const { parallelPerStorage } = this.#options;
    if (parallelPerStorage <= 0) return this.#total;
    let slots = this.#storages.get(storageName);
    if (slots === undefined) {
      slots = new Slots(parallelPerStorage);
      this.#storages.set(storageName, slots);
    }
    return slots;
  }

  async #run(repository: RemoteAddress, work: () => Promise<void>): Promise<void> {
    const { logger, name, parallelPerStorage } = this.#options;
    const { storageName, relativePath, glProjectPath } = repository;
    const isLimitedTwice = parallelPerStorage > 0;
    if (isLimitedTwice) await this.#total.take();
    const log = logger.with({
      "command.name": name,
      storage_name: storageName,
      relative_path: relativePath,
      gl_project_path: glProjectPath,
    });
    log.info(`started ${name}`);
    try {
      await work();
      this.processed.add(repositoryKey(repository));
      log.info(`completed ${name}`);
    } catch (error) {
      if (error instanceof SkippedError) {
        log.warn(`skipped ${name}`);
        return;
      }
      const reason = systemErrorText(error);
      log.error(`${name} failed`, { error: reason });
      const project = glProjectPath === "" ? "" : ` (${glProjectPath})`;
      this.#failures.push(`${relativePath}${project}: ${reason}`);
    } finally {
      if (isLimitedTwice) this.#total.release();
    }
  }
}

/** Tells repositories apart. */
export function repositoryKey({
  storageName,
  relativePath,
}: Pick<RemoteAddress, "storageName" | "relativePath">): string {
  return JSON.stringify([storageName, relativePath]);
}

/** Lets some in at a time; whoever comes later waits in line. */
class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async take(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    await promise;
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
