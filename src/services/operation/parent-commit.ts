import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { HEAD } from "../../git/ref/ref-name.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { Repository } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { asStatus } from "../common/as-status.ts";
import { stderrSuffix } from "../common/collect-git.ts";
import { fetchCommit } from "../common/fetch-commit.ts";
import { gitFailure } from "../common/git-failure.ts";
import type { InternalSourceNeeds } from "../common/internal-source.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import type { Operation } from "../common/operation.ts";
import { openRemoteRepository, type RemoteRepository } from "../common/remote-repository.ts";
import type { ServerChannels } from "../common/server-channels.ts";
import { verifyRevision } from "../common/verify-revision.ts";

export interface ParentNeeds extends InternalSourceNeeds {
  readonly git: GitRunner;
  readonly channels: ServerChannels;
}

/** Where a commit is to begin. Names of branches are binary strings without `refs/heads/`. */
export interface StartPoint {
  /** The branch that will get the commit. */
  readonly targetBranch: string;
  /** What it holds now. */
  readonly targetCommit: Oid | undefined;
  /** Empty for the target branch. */
  readonly startBranch: string;
  /** A full object id, takes the place of the branch; empty for none. */
  readonly startSha: string;
  /** Where to look; undefined for the repository itself. */
  readonly startRepository: Repository | undefined;
}

/**
 * Finds the parent of a new commit and brings it here if need be; undefined when there is none.
 */
export async function findParent(
  needs: ParentNeeds,
  operation: Operation,
  start: StartPoint,
  call: Call,
): Promise<Oid | undefined> {
  const parent = parseOid(start.startSha) ?? (await branchTip(needs, operation, start, call));
  if (parent === undefined || parent === start.targetCommit) return parent;
  try {
    await bring(needs, operation, parent, start.startRepository, call);
  } catch (error) {
    throw wrapError("unknown", "fetch missing commit", error);
  }
  return parent;
}

async function branchTip(
  needs: ParentNeeds,
  operation: Operation,
  start: StartPoint,
  call: Call,
): Promise<Oid | undefined> {
  const { startRepository, startBranch, targetBranch, targetCommit } = start;
  if (startRepository === undefined && startBranch === "") return targetCommit;
  try {
    const branches =
      startRepository === undefined
        ? ownBranches(needs, operation)
        : remoteBranches(needs, startRepository, call);
    // A client that makes the first branch may name the repository itself in other words.
    if (!(await branches.exist())) return targetCommit;
    const branch = startBranch === "" ? targetBranch : startBranch;
    return await branches.find(`refs/heads/${branch}^{commit}`);
  } catch (error) {
    throw wrapError("unknown", "resolve parent commit", error);
  }
}

interface Branches {
  exist(): Promise<boolean>;
  find(revision: string): Promise<Oid>;
}

function ownBranches({ git }: ParentNeeds, { repository, options }: Operation): Branches {
  return {
    exist: async () => hasBranches(repository),
    find: async (revision) => {
      try {
        return found(await verifyRevision(repository, revision, { git, gitCall: () => options }));
      } catch (error) {
        throw wrapError("unknown", resolving(revision, "*localrepo.Repo"), error);
      }
    },
  };
}

/** Whether there is any branch at all. */
export function hasBranches({ refs }: OpenedRepository): boolean {
  return gitFailure(() => {
    // Listing branches reads many; nearly always the one that HEAD names is there.
    const head = refs.resolve(HEAD);
    if (head.state === "found" && head.name.startsWith(BRANCHES)) return true;
    return (
      refs
        .list({ prefixes: [BRANCHES] })
        [Symbol.iterator]()
        .next().done !== true
    );
  });
}

const BRANCHES = "refs/heads/";

function remoteBranches({ channels }: ParentNeeds, repository: Repository, call: Call): Branches {
  const remote = openRemote(channels, repository, call);
  return {
    exist: async () => {
      try {
        return await remote.hasBranches();
      } catch (error) {
        throw wrapError("unknown", "has branches: has local branches", asStatus(error));
      }
    },
    find: async (revision) => {
      try {
        return found(await remote.findCommit(revision));
      } catch (error) {
        throw wrapError("unknown", resolving(revision, "*remoterepo.Repo"), asStatus(error));
      }
    },
  };
}

function openRemote(
  channels: ServerChannels,
  repository: Repository,
  call: Call,
): RemoteRepository {
  try {
    return openRemoteRepository(channels, repository, call);
  } catch (error) {
    throw wrapError("unknown", "remote repository", error);
  }
}

function resolving(revision: string, type: string): string {
  return `resolving refish ${quoteBytes(bytesFromBinary(revision))} in ${type}`;
}

function found(oid: Oid | undefined): Oid {
  if (oid === undefined) throw notFound();
  return oid;
}

function notFound(): RpcError {
  return new RpcError("unknown", "reference not found");
}

/** Makes sure that the parent is here. */
async function bring(
  needs: ParentNeeds,
  { repository, options }: Operation,
  oid: Oid,
  source: Repository | undefined,
  call: Call,
): Promise<void> {
  const revisionNeeds = { git: needs.git, gitCall: () => options };
  const commit = await verifyRevision(repository, `${oid}^{commit}`, revisionNeeds);
  if (commit !== undefined) return;
  if (source === undefined) throw wrapError("unknown", "lookup parent commit", notFound());
  try {
    const { located } = repository;
    const fetched = await fetchCommit(needs, located, { source, oid }, call, options);
    const { failure } = fetched;
    if (failure === undefined) return;
    const said = `exit status ${failure.exitCode}${stderrSuffix(fetched)}`;
    throw new RpcError("unknown", said, { cause: failure });
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    // A failed fetch says nothing of its reason's code.
    const message = `fetch parent commit: ${error.message}`;
    throw new RpcError("unknown", message, { cause: error });
  }
}
