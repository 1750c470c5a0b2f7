import { DomainError } from "../../base/error/domain-error.ts";
import { peelToCommit, peelToTree } from "../../git/object/peel.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { mergeByPath, type ThreeTrees } from "../../git/tree/merge-by-path.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import { internal } from "../../rpc/rpc-error.ts";
import { parseMergeConflict, parseMergedTree } from "./merge-conflict.ts";
import type { Operation } from "./operation.ts";

/** What is to be merged. */
export interface TreeMerge {
  /** A commit or a tag of one; a tree as well where there is a base. Conflict marks name it so. */
  readonly ours: Oid;
  readonly theirs: Oid;
  /** What the sides are compared with; without it their common ancestors, or nothing at all. */
  readonly base?: Oid | undefined;
  /** Whether the files of conflicts are wanted by their names alone. Default true. */
  readonly namesOnly?: boolean;
}

/**
 * Merges two trees, at once where that can't be different from what git does. New objects go to the
 * operation's quarantine.
 *
 * @returns the merged tree
 * @throws MergeConflictError, RpcError of kind `internal` when git can't merge
 */
export async function mergeTrees(
  git: GitRunner,
  operation: Operation,
  merge: TreeMerge,
): Promise<Oid> {
  const { repository, quarantine, options } = operation;
  const trees = await findTrees(operation, merge, options.signal);
  const merged = trees && (await mergeByPath(repository.objects, quarantine.objects, trees));
  if (merged !== undefined) return merged;
  const { ours, theirs, base, namesOnly = true } = merge;
  const { format } = repository.objects;
  const command = {
    name: "merge-tree",
    flags: [
      "-z",
      "--write-tree",
      ...(base === undefined ? ["--allow-unrelated-histories"] : [`--merge-base=${base}`]),
      ...(namesOnly ? ["--name-only"] : []),
    ],
    args: [ours, theirs],
  } as const;
  try {
    const run = { ...options, okExitCodes: [1] };
    const { stdout, exitCode } = await git.run(repository.located, command, run);
    const output = stdout.toString("latin1");
    if (exitCode === 1) throw parseMergeConflict(output, format, namesOnly);
    return parseMergedTree(output.split("\0", 1)[0] ?? "", format);
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    throw internal(`merge-tree: ${error.message}`, { cause: error, metadata: error.metadata });
  }
}

/** The trees of a merge; undefined when there are several bases, or git has to complain. */
async function findTrees(
  { repository: { objects, history }, knownHistory }: Operation,
  { ours, theirs, base }: TreeMerge,
  signal: AbortSignal,
): Promise<ThreeTrees | undefined> {
  const treeOf = (oid: Oid | undefined): Oid | undefined => oid && peelToTree(objects, oid);
  try {
    const sides = [treeOf(ours), treeOf(theirs)] as const;
    const baseTree = base === undefined ? await commonTree() : treeOf(base);
    if (sides[0] === undefined || sides[1] === undefined || baseTree === undefined) {
      return undefined;
    }
    return { base: baseTree, ours: sides[0], theirs: sides[1] };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DomainError) return undefined;
    throw error;
  }

  async function commonTree(): Promise<Oid | undefined> {
    const commits = [peelToCommit(objects, ours), peelToCommit(objects, theirs)] as const;
    if (commits[0] === undefined || commits[1] === undefined) return undefined;
    const isKnown = commits.every((oid) => oid && knownHistory.find(oid) !== undefined);
    const source = isKnown ? knownHistory : history;
    const bases = await source.mergeBases([commits[0], commits[1]], signal);
    // Histories that have nothing in common are merged by git.
    return bases.length === 1 ? treeOf(bases[0]) : undefined;
  }
}
