import { setImmediate as nextTurn } from "node:timers/promises";
import type { ChangedPath } from "../../git/diff/changed-paths-reader.ts";
import type { DiffContents } from "../../git/diff/tree/diff-contents.ts";
import type { FilePair } from "../../git/diff/tree/file-pair.ts";
import type { Oid } from "../../git/oid/oid.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import {
  getTree,
  LeftToGitError,
  listTreePairs,
  openDiffContents,
  parentsOf,
} from "../common/tree-pairs.ts";

/** What is compared: a commit with its parents or others, or two trees. */
export interface ResolvedRequest {
  /** Empty when trees are compared. */
  readonly commit: string;
  /** Trees, or commits that take the place of the commit's parents; empty for the parents. */
  readonly others: readonly Oid[];
}

/** What is told about them. */
export interface WantedPaths {
  /** Letters of the raw format. */
  readonly statuses: ReadonlySet<string>;
  readonly findRenames: boolean;
  /** Merges are compared with each of their parents. */
  readonly showsEachParent: boolean;
  readonly hasCommitIds: boolean;
}

/** Renamed files have three parts in ten in common; see `SCORE_MAX`. */
const RENAME_SCORE_MIN = 18_000;

/** Differences after which others have their turn. */
const BATCH_DIFFERENCES = 8;

/**
 * Finds what `git diff-tree` would, in this process. Throws an error with a `fallbackReason` for
 * what only git does.
 */
export async function* ownChangedPaths(
  git: GitRunner,
  repository: OpenedRepository,
  requests: readonly ResolvedRequest[],
  wanted: WantedPaths,
): AsyncGenerator<ChangedPath, void, undefined> {
  const contents = openDiffContents(git, repository, "diff-tree");
  let count = 0;
  for (const request of requests) {
    const trees = comparedTrees(repository, request);
    if (trees.length > 1 && !wanted.showsEachParent) throw new LeftToGitError("options");
    const commitId = wanted.hasCommitIds ? request.commit : "";
    for (const couple of trees) {
      for (const pair of differences(repository, contents, couple, wanted)) {
        yield changedPath(pair, commitId);
      }
      if (++count % BATCH_DIFFERENCES === 0) await nextTurn();
    }
  }
}

type TreeCouple = readonly [left: Oid | undefined, right: Oid | undefined];

/** A commit without parents is compared with nothing. */
function comparedTrees(
  repository: OpenedRepository,
  { commit, others }: ResolvedRequest,
): readonly TreeCouple[] {
  if (commit === "") return [[others[0], others[1]]];
  const tree = getTree(repository, commit);
  const parents = others.length > 0 ? others : parentsOf(repository, commit);
  if (parents.length === 0) return [[undefined, tree]];
  return parents.map((parent): TreeCouple => [getTree(repository, parent), tree]);
}

function differences(
  repository: OpenedRepository,
  contents: DiffContents,
  [left, right]: TreeCouple,
  { statuses, findRenames }: WantedPaths,
): readonly FilePair[] {
  const query = { left, right, ...(findRenames && { renameScoreMin: RENAME_SCORE_MIN }) };
  const { pairs } = listTreePairs(repository, contents, query);
  return pairs.filter(({ status }) => statuses.has(status));
}

function changedPath({ status, from, to }: FilePair, commitId: string): ChangedPath {
  return {
    status,
    path: to.path,
    oldPath: status === "R" ? from.path : "",
    oldMode: from.mode,
    newMode: to.mode,
    oldBlobId: from.oid,
    newBlobId: to.oid,
    commitId,
  };
}
