import { DomainError } from "../../base/error/domain-error.ts";
import type { Identity } from "../../git/object/identity.ts";
import { hashObject } from "../../git/object/object-hash.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { GitExitError } from "../../gitcmd/git-runner.ts";
import type { CommitAuthor, GitCommit } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import { internal, invalidArgument, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { createCommit, type SigningNeeds } from "../common/create-commit.ts";
import { isDamage } from "../common/git-failure.ts";
import { MergeConflictError } from "../common/merge-conflict.ts";
import { mergeTrees } from "../common/merge-trees.ts";
import type { Operation, OperationNeeds } from "../common/operation.ts";
import { verifyRevision } from "../common/verify-revision.ts";
import { authorDate, authorTimezone } from "./author-date.ts";

/** A commit contradicts what the rebase puts it on. */
export class RebaseConflictError extends DomainError {
  readonly conflict: MergeConflictError;

  constructor(commit: Oid, conflict: MergeConflictError) {
    super("unknown", `rebase: commit "${commit}": there are conflicting files`, {
      cause: conflict,
    });
    this.conflict = conflict;
  }
}

/** What is put on what. */
export interface Rebase {
  readonly upstream: Oid;
  readonly branch: Oid;
  /** Who has made the new commits. Authors stay who they were. */
  readonly committer: Required<Identity>;
}

type Needs = OperationNeeds & SigningNeeds;

/**
 * Repeats a branch's commits on top of another one, as `git rebase` does: without merges, commits
 * that are there already, and those that have nothing to change any more.
 *
 * @returns the last commit
 * @throws RebaseConflictError, RpcError
 */
export async function rebaseCommits(
  needs: Needs,
  operation: Operation,
  { upstream, branch, committer }: Rebase,
  call: Call,
): Promise<Oid> {
  const onto = await findCommit(needs, operation, upstream, "upstream");
  const tip = await findCommit(needs, operation, branch, "branch");
  const base = await findBase(operation, onto, tip);
  if (base === onto) return tip;
  if (base === tip) return onto;
  try {
    let parent = onto;
    for (const oid of await listPicks(needs, operation, onto, tip)) {
      const picked = await pick(needs, operation, { oid, parent, committer }, call);
      parent = picked ?? parent;
    }
    return parent;
  } catch (error) {
    if (error instanceof RebaseConflictError) throw error;
    throw wrapError("internal", "rebase using merge-tree", error);
  }
}

async function findCommit(
  { git }: Needs,
  { repository, options }: Operation,
  oid: Oid,
  which: "upstream" | "branch",
): Promise<Oid> {
  const doing = `resolving ${which} commit`;
  const ask = { git, gitCall: () => options };
  const found = await verifyRevision(repository, `${oid}^{commit}`, ask).catch((error) => {
    throw wrapError("invalid-argument", doing, error);
  });
  if (found !== undefined) return found;
  throw invalidArgument(`${doing}: reference not found`);
}

async function findBase(
  { repository, knownHistory, options }: Operation,
  onto: Oid,
  tip: Oid,
): Promise<Oid> {
  const isKnown = [onto, tip].every((oid) => knownHistory.find(oid) !== undefined);
  const history = isKnown ? knownHistory : repository.history;
  const base = await history.mergeBase([onto, tip], options.signal).catch((error) => {
    if (isDamage(error)) throw internal("get merge-base: exit status 255", { cause: error });
    throw wrapError("internal", "get merge-base", error);
  });
  if (base === undefined) throw internal("get merge-base: exit status 1");
  return base;
}

/** Lists the commits to repeat, oldest first. Git compares them with those on the other side. */
async function listPicks(
  { git }: Needs,
  { repository, options }: Operation,
  onto: Oid,
  tip: Oid,
): Promise<Oid[]> {
  const command = {
    name: "rev-list",
    flags: ["--cherry-pick", "--right-only", "--no-merges", "--topo-order", "--reverse"],
    args: [`${onto}...${tip}`],
  } as const;
  try {
    const { stdout } = await git.run(repository.located, command, options);
    const lines = stdout.toString("latin1").split("\n");
    return lines.map((line) => parseOid(line)).filter((oid) => oid !== undefined);
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    throw internal(`git rev-list: ${error.message}`, { cause: error });
  }
}

interface Pick {
  readonly oid: Oid;
  readonly parent: Oid;
  readonly committer: Required<Identity>;
}

/** @returns undefined when there is nothing left to change */
async function pick(
  needs: Needs,
  operation: Operation,
  { oid, parent, committer }: Pick,
  call: Call,
): Promise<Oid | undefined> {
  const { quarantine } = operation;
  const commit = await read(operation, oid, "reading todo list commit");
  const base = parseOid(commit.parentIds[0] ?? "");
  const tree = await merge(needs, operation, { ours: parent, theirs: oid, base });
  const ours = await read(operation, parent, "reading upstream commit");
  if (tree === ours.treeId && !(await wasEmpty(operation, commit, base))) return undefined;
  const author = identityOf(commit.author);
  const draft = { tree, parents: [parent], author, committer, message: commit.body };
  try {
    return await createCommit(needs, call, quarantine.objects, draft);
  } catch (error) {
    throw wrapError("unknown", "write commit", error);
  }
}

async function read(operation: Operation, oid: Oid, doing: string): Promise<GitCommit> {
  const commit = await operation.readCommit(oid);
  if (commit === undefined) throw new RpcError("unknown", `${doing}: object not found`);
  return commit;
}

async function merge(
  { git }: Needs,
  operation: Operation,
  sides: Parameters<typeof mergeTrees>[2] & { readonly theirs: Oid },
): Promise<Oid> {
  try {
    return await mergeTrees(git, operation, { ...sides, namesOnly: false });
  } catch (error) {
    if (error instanceof MergeConflictError) throw new RebaseConflictError(sides.theirs, error);
    throw wrapError("unknown", "merging todo list commit", error);
  }
}

/** Whether a commit has changed nothing from the start; such a commit is meant to be there. */
async function wasEmpty(
  operation: Operation,
  { treeId }: GitCommit,
  base: Oid | undefined,
): Promise<boolean> {
  if (base === undefined) {
    const { format } = operation.repository.objects;
    return treeId === hashObject("tree", Buffer.alloc(0), format);
  }
  const parent = await read(operation, base, "reading parent commit");
  return treeId === parent.treeId;
}

function identityOf(author: CommitAuthor | undefined): Required<Identity> {
  return {
    name: Buffer.from(author?.name ?? new Uint8Array()),
    email: Buffer.from(author?.email ?? new Uint8Array()),
    date: authorDate(author, timezoneOf(author)),
  };
}

/** What can't be read stands for UTC. */
function timezoneOf(author: CommitAuthor | undefined): string {
  try {
    return authorTimezone(author);
  } catch (error) {
    if (error instanceof RpcError) return "+0000";
    throw error;
  }
}
