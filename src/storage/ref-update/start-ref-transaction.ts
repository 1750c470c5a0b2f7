import type { RepositoryCache } from "../../git/repository/repository-cache.ts";
import type { GitDirectory } from "../../gitcmd/git-directory.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
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
 * Services start with `startReferenceChange`, which adds the votes.
 */
export async function startRefTransaction(
  { git }: RefTransactionNeeds,
  repository: GitDirectory,
  options: RefTransactionOptions,
): Promise<RefTransaction> {
  return startGitRefTransaction(git, repository, options);
}
