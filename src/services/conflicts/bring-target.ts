import { quoteBytes } from "../../base/text/quote-bytes.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromBytes, bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { Repository } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { asStatus } from "../common/as-status.ts";
import { stderrSuffix } from "../common/collect-git.ts";
import { fetchCommit } from "../common/fetch-commit.ts";
import type { InternalSourceNeeds } from "../common/internal-source.ts";
import type { Operation } from "../common/operation.ts";
import { openRemoteRepository, type RemoteRepository } from "../common/remote-repository.ts";
import type { ServerChannels } from "../common/server-channels.ts";
import { verifyRevision } from "../common/verify-revision.ts";

export interface TargetNeeds extends InternalSourceNeeds {
  readonly git: GitRunner;
  readonly channels: ServerChannels;
}

/** A branch of a repository that may be another one, on another server. */
export interface Target {
  readonly repository: Repository;
  readonly remote: RemoteRepository;
  readonly branch: Uint8Array;
}

/** Finds the server of the repository that is merged with. */
export function openTarget(
  { channels }: TargetNeeds,
  repository: Repository,
  branch: Uint8Array,
  call: Call,
): Target {
  return { repository, branch, remote: openRemoteRepository(channels, repository, call) };
}

/** Makes sure that the commit which a branch of the target names is here. */
export async function bringTarget(
  needs: TargetNeeds,
  { repository, options }: Operation,
  target: Target,
  call: Call,
): Promise<void> {
  const oid = await findTarget(target);
  const ask = { git: needs.git, gitCall: () => options };
  if ((await verifyRevision(repository, `${oid}^{commit}`, ask)) !== undefined) return;
  const wanted = { source: target.repository, oid };
  const fetched = await fetchCommit(needs, repository.located, wanted, call, options);
  const { failure } = fetched;
  if (failure === undefined) return;
  const said = `exit status ${failure.exitCode}${stderrSuffix(fetched)}`;
  const problem = `could not fetch target commit: ${said}`;
  throw new RpcError("unknown", problem, { cause: failure });
}

async function findTarget({ remote, branch }: Target): Promise<Oid> {
  const revision = `refs/heads/${binaryFromBytes(branch)}^{commit}`;
  const doing = `could not resolve target revision ${quoteBytes(bytesFromBinary(revision))}`;
  const oid = await remote.findCommit(revision).catch((error) => {
    throw wrapError("unknown", doing, asStatus(error));
  });
  if (oid === undefined) throw new RpcError("unknown", `${doing}: reference not found`);
  return oid;
}
