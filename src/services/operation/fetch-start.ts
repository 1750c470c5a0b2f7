import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import type { Repository } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import { internal, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { stderrSuffix } from "../common/collect-git.ts";
import { fetchCommit } from "../common/fetch-commit.ts";
import type { Operation } from "../common/operation.ts";
import { openRemoteRepository, type RemoteRepository } from "../common/remote-repository.ts";
import { verifyRevision } from "../common/verify-revision.ts";
import type { ParentNeeds } from "./parent-commit.ts";

/** Where a change begins. */
export interface Start {
  readonly branchName: Uint8Array;
  /** Empty for the branch itself. */
  readonly startBranchName: Uint8Array;
  /** Where that branch is; undefined for the repository itself. */
  readonly startRepository?: Repository | undefined;
}

/** Finds the commit that a change begins with, and brings it here if need be. */
export async function fetchStart(
  needs: ParentNeeds,
  operation: Operation,
  { branchName, startBranchName, startRepository: source }: Start,
  call: Call,
): Promise<Oid> {
  const branch = startBranchName.length === 0 ? branchName : startBranchName;
  const revision = `${binaryFromBytes(branch)}^{commit}`;
  const remote = source && openRemote(needs, source, call);
  const oid = await find(needs, operation, remote, revision).catch((error) => {
    throw wrapError("invalid-argument", "resolve start ref", error);
  });
  if (source !== undefined) await bring(needs, operation, { source, oid }, call);
  return oid;
}

function openRemote(needs: ParentNeeds, source: Repository, call: Call): RemoteRepository {
  try {
    return openRemoteRepository(needs.channels, source, call);
  } catch (error) {
    if (!(error instanceof RpcError) || error.kind !== "unknown") throw error;
    throw internal(error.message, { cause: error });
  }
}

async function find(
  { git }: ParentNeeds,
  { repository, options }: Operation,
  remote: RemoteRepository | undefined,
  revision: string,
): Promise<Oid> {
  const oid =
    remote === undefined
      ? await verifyRevision(repository, revision, { git, gitCall: () => options })
      : await remote.findCommit(revision);
  if (oid === undefined) throw new RpcError("unknown", "reference not found");
  return oid;
}

async function bring(
  needs: ParentNeeds,
  { repository, options }: Operation,
  wanted: { readonly source: Repository; readonly oid: Oid },
  call: Call,
): Promise<void> {
  const ask = { git: needs.git, gitCall: () => options };
  const here = await verifyRevision(repository, `${wanted.oid}^{commit}`, ask).catch((error) => {
    throw wrapError("invalid-argument", "resolve start", error);
  });
  if (here !== undefined) return;
  const fetched = await fetchCommit(needs, repository.located, wanted, call, options);
  const { failure } = fetched;
  if (failure === undefined) return;
  const said = `exit status ${failure.exitCode}${stderrSuffix(fetched)}`;
  throw internal(`fetch start: ${said}`, { cause: failure });
}
