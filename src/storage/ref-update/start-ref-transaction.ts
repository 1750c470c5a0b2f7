import { lstatSync } from "node:fs";
import { DomainError } from "../../base/error/domain-error.ts";
import { FilesRefReader } from "../../git/ref/files-ref-reader.ts";
import type { GitRepository } from "../../git/repository/git-repository.ts";
import type { RepositoryCache } from "../../git/repository/repository-cache.ts";
import type { GitDirectory } from "../../gitcmd/git-directory.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { FilesRefTransaction } from "./files-ref-transaction.ts";
import type { FilesRefStore } from "./files-ref-update.ts";
import { readFilesSettings } from "./files-settings.ts";
import { startGitRefTransaction } from "./git-ref-transaction.ts";
import type { RefTransaction, RefTransactionOptions } from "./ref-transaction.ts";

/** What changes references. */
export interface RefTransactionNeeds {
  readonly git: GitRunner;
  readonly repositories: RepositoryCache;
}

/**
 * Starts to change references of one repository; the one entrance for all who do.
 *
 * Those of a plain bare repository that are stored as files are changed in-process, all others by
 * a git process. Services start with `startReferenceChange`, which adds the votes.
 */
export async function startRefTransaction(
  needs: RefTransactionNeeds,
  repository: GitDirectory,
  options: RefTransactionOptions,
): Promise<RefTransaction> {
  options.signal.throwIfAborted();
  const startGit = (): Promise<RefTransaction> =>
    startGitRefTransaction(needs.git, repository, options);
  const { noDeref = false, hooks = "disabled", signal } = options;
  const opened = hooks === "disabled" ? open(needs, repository) : undefined;
  if (opened === undefined) return startGit();
  const { objects } = opened.repository;
  return new FilesRefTransaction({ ...opened, objects, noDeref, signal, startGit });
}

interface Opened {
  readonly repository: GitRepository;
  readonly store: FilesRefStore;
  readonly close: () => void;
}

/** Opens a repository whose references can be changed in-process. */
function open({ git, repositories }: RefTransactionNeeds, place: GitDirectory): Opened | undefined {
  const { path, objectDirectory, alternateObjectDirectories: alternates = [], worktree } = place;
  if (worktree !== undefined) return undefined;
  try {
    const isQuarantined = objectDirectory !== undefined;
    const repository = isQuarantined
      ? repositories.openQuarantine(path, { objectDirectory, alternates })
      : repositories.open(path);
    const close = (): void => {
      if (isQuarantined) repository.close();
    };
    const store = storeOf(repository, git);
    if (store !== undefined) return { repository, store, close };
    close();
    return undefined;
  } catch (error) {
    // Git says what is wrong with the repository.
    if (error instanceof DomainError) return undefined;
    throw error;
  }
}

function storeOf(repository: GitRepository, git: GitRunner): FilesRefStore | undefined {
  const { path: directory, refs: reader, objectFormat, config } = repository;
  if (!(reader instanceof FilesRefReader)) return undefined;
  const settings = readFilesSettings(config, git.configOf({ name: "update-ref" }));
  // Without a working tree git makes no reflogs, but it keeps those that there are.
  const hasReflogs = lstatSync(`${directory}/logs`, { throwIfNoEntry: false }) !== undefined;
  if (settings === undefined || hasReflogs) return undefined;
  return { directory, reader, objectFormat, settings };
}
