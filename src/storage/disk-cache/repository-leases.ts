/*
 * How processes that share a storage tell each other that what they keep of a repository's answers
 * is out of date. This is Gitaly's own form, below `<storage>/+gitaly/state/<relative path>`:
 *
 *   latest                     36 characters, a random UUID: the repository's current generation
 *   pending/<decimal digits>   an empty file for each change that is going on: nothing is kept
 *
 * What is kept is named after the generation, so that nobody finds it in another. Where there is no
 * `latest`, who wants to keep something begins a generation; so a change only has to remove it. The
 * file of a change whose process was killed counts for an hour.
 *
 * Nothing of this is synced: who starts anew begins with an empty cache.
 */
import { randomInt } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { isMissing } from "../../base/error/system-error-text.ts";
import type { RepositoryAddress, RepositoryLocator } from "../locator/repository-locator.ts";

/** The file of a change is a decimal number below this. */
const NUMBER_END = 2 ** 32;

/** The file of a change has gone before the change was over, so that it didn't count. */
export class LeaseMissingError extends DomainError {
  constructor() {
    super("internal", "lease file unexpectedly missing");
  }
}

/** A change that is going on. */
export interface Lease {
  /**
   * Has what others kept until now forgotten.
   *
   * @throws LeaseMissingError, or the failure of the file system
   */
  end(): void;
}

/** Tells other processes which repositories are being changed. */
export class RepositoryLeases {
  readonly #locator: RepositoryLocator;

  constructor(locator: RepositoryLocator) {
    this.#locator = locator;
  }

  /**
   * Says that a repository, which need not exist, is about to change. Nothing is written unless
   * somebody keeps anything in the storage: see docs/adr.
   *
   * @throws the locator's errors, or the failure of the file system
   */
  start({ storageName, relativePath }: RepositoryAddress): Lease {
    const { path, storagePath } = this.#locator.place({ storageName, relativePath });
    const folder = join(this.#locator.stateFolder(storageName), path.slice(storagePath.length));
    const latest = join(folder, "latest");
    if (!existsSync(this.#locator.cacheFolder(storageName))) {
      return { end: () => unlinkIfThere(latest) };
    }
    unlinkIfThere(latest);
    const pending = createPending(join(folder, "pending"));
    return {
      end: () => {
        unlinkIfThere(latest);
        if (!unlinkIfThere(pending)) throw new LeaseMissingError();
      },
    };
  }
}

/** Others remove the folder when it is empty: when they come in between, once more. */
function createPending(folder: string): string {
  const path = join(folder, String(randomInt(NUMBER_END)));
  const create = (): void => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    closeSync(openSync(path, "wx", 0o600));
  };
  try {
    create();
  } catch (error) {
    if (!isMissing(error)) throw error;
    create();
  }
  return path;
}

/** Returns whether there was a file. Asks first, since an error costs more than that. */
function unlinkIfThere(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
