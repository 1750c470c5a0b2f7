/*
 * How processes that share a storage tell each other that what they keep of a repository's answers
 * is out of date. This is Gitaly's own form, below `<storage>/+gitaly/state/<relative path>`:
 *
 *   pending/<decimal digits>   an empty file for each change that is going on: nothing is kept
 *   latest                     36 characters, a random UUID: the repository's current generation
 *
 * Who changes a repository removes `latest`, makes a file in `pending`, and when it has come to its
 * end, well or not, puts a new `latest` in place and removes that file. What is kept is named after
 * the generation, so that nobody finds it in the next one. A process that was killed leaves a pending
 * file, which counts for an hour.
 *
 * Nothing is synced: whoever starts anew begins with an empty cache.
 */
import { randomInt, randomUUID } from "node:crypto";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { isMissing } from "../../base/error/system-error-text.ts";
import type { RepositoryAddress, RepositoryLocator } from "../locator/repository-locator.ts";

/** How long a file of a change counts, and how long what is kept stays. */
export const STALE_MS: number = 60 * 60_000;

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

/** Temporary files end in a decimal number below this, as Gitaly's do. */
const SUFFIX_END = 2 ** 32;

/** The file of a change has gone before the change was over, so that it didn't count. */
export class LeaseMissingError extends DomainError {
  constructor() {
    super("internal", "lease file unexpectedly missing");
  }
}

/** A change that is going on. */
export interface Lease {
  /** Begins a new generation. Throws LeaseMissingError, or the failure of the file system. */
  end(): void;
}

/** Says which repositories are being changed, and in which generation they are. */
export class RepositoryLeases {
  readonly #locator: RepositoryLocator;
  readonly #nowMs: () => number;

  constructor(locator: RepositoryLocator, nowMs: () => number = Date.now) {
    this.#locator = locator;
    this.#nowMs = nowMs;
  }

  /**
   * Says that a repository, which need not exist, is about to change.
   *
   * A handful of small files for each change: to wait for the thread pool costs ten times as much.
   *
   * @throws the locator's errors, or the failure of the file system
   */
  start(address: RepositoryAddress): Lease {
    const folder = this.#stateOf(address);
    removeLatest(folder);
    const pending = join(folder, "pending", randomSuffix());
    withFolder(pending, () => closeSync(openSync(pending, "wx", FILE_MODE)));
    return {
      end: () => {
        beginGeneration(folder);
        removePending(pending);
      },
    };
  }

  /**
   * The repository's generation, which begins now if there is none yet; undefined while somebody
   * changes the repository.
   */
  generation(address: RepositoryAddress): string | undefined {
    const folder = this.#stateOf(address);
    if (this.#isChanging(join(folder, "pending"))) return undefined;
    try {
      return readFileSync(join(folder, "latest"), "latin1");
    } catch (error) {
      if (!isMissing(error)) throw error;
      return beginGeneration(folder);
    }
  }

  #stateOf({ storageName, relativePath }: RepositoryAddress): string {
    const { path, storagePath } = this.#locator.place({ storageName, relativePath });
    return join(this.#locator.stateFolder(storageName), path.slice(storagePath.length));
  }

  /** Removes the files of those that can't be at it any more. */
  #isChanging(folder: string): boolean {
    let isChanging = false;
    for (const name of namesIn(folder)) {
      const path = join(folder, name);
      const stats = statSync(path, { throwIfNoEntry: false });
      if (stats === undefined) continue;
      if (this.#nowMs() - stats.mtimeMs > STALE_MS) rmSync(path, { force: true });
      else isChanging = true;
    }
    return isChanging;
  }
}

function beginGeneration(folder: string): string {
  const generation = randomUUID();
  const latest = join(folder, "latest");
  const temporary = latest + randomSuffix();
  try {
    withFolder(temporary, () =>
      writeFileSync(temporary, generation, { flag: "wx", mode: FILE_MODE }),
    );
    renameSync(temporary, latest);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  return generation;
}

/** Makes a file; the folder is there mostly, unless it was empty for long and was removed. */
function withFolder(path: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    if (!isMissing(error)) throw error;
    mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
    write();
  }
}

function removeLatest(folder: string): void {
  try {
    unlinkSync(join(folder, "latest"));
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function removePending(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    throw isMissing(error) ? new LeaseMissingError() : error;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function randomSuffix(): string {
  return String(randomInt(SUFFIX_END));
}
