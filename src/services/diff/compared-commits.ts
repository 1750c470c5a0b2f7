import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { Call } from "../../rpc/call.ts";
import { invalidArgument } from "../../rpc/rpc-error.ts";
import type {
  LocatedRepository,
  RepositoryAddress,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { getTree, listTreePairs, openDiffContents, orLeftToGit } from "../common/tree-pairs.ts";
import type { FindPairs } from "./compare.ts";

/** What is needed to compare commits in this process, or by git. */
export interface CompareNeeds extends ReadNeeds {
  readonly git: GitRunner;
}

interface CommitsRequest {
  readonly repository?: RepositoryAddress | undefined;
  readonly leftCommitId: string;
  readonly rightCommitId: string;
  readonly paths?: readonly Uint8Array[];
}

/** Checks a request that compares two commits, and finds its repository. */
export function locateCompared(
  locator: RepositoryLocator,
  request: CommitsRequest,
): LocatedRepository {
  const located = locateRepository(locator, request.repository);
  if (request.leftCommitId === "") throw invalidArgument("empty LeftCommitId");
  if (request.rightCommitId === "") throw invalidArgument("empty RightCommitId");
  return located;
}

/** Prepares a comparison of two commits in this process, with files renamed that are similar. */
export function pairsOfCommits(
  needs: CompareNeeds,
  located: LocatedRepository,
  { leftCommitId, rightCommitId, paths = [] }: CommitsRequest,
  renameScoreMin: number,
  call: Call,
): FindPairs {
  return () => {
    const repository = orLeftToGit("configuration", () => openLocated(needs, located, call));
    const left = getTree(repository, leftCommitId);
    const right = getTree(repository, rightCommitId);
    const contents = openDiffContents(needs.git, repository, "diff");
    return listTreePairs(repository, contents, { left, right, paths, renameScoreMin });
  };
}
