import type { Logger } from "../../base/log/logger.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import { HEAD } from "../../git/ref/ref-name.ts";
import type { RepositoryCache } from "../../git/repository/repository-cache.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { HookManager } from "../../hooks/hook-manager.ts";
import type { HookStubs } from "../../hooks/stub/hook-stubs.ts";
import type { Repository } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { OutgoingMetadata } from "../../rpc/client/metadata.ts";
import { internal, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { startReferenceChange } from "../common/change-references.ts";
import { type CollectedGit, collectGit } from "../common/collect-git.ts";
import { headTarget } from "../common/default-branch.ts";
import type { GitCall } from "../common/git-call.ts";
import { type InternalSourceNeeds, internalSource } from "../common/internal-source.ts";
import { type OpenedRepository, openLocated } from "../common/open-repository.ts";
import { openRemoteRepository } from "../common/remote-repository.ts";
import type { ServerChannels } from "../common/server-channels.ts";
import type { TransactionVotes } from "../common/transaction-votes.ts";
import { verifyRevision } from "../common/verify-revision.ts";
import { votingHooks } from "../common/voting-hooks.ts";

export interface MirrorNeeds extends InternalSourceNeeds {
  readonly repositories: RepositoryCache;
  readonly git: GitRunner;
  readonly hooks: HookManager;
  readonly hookStubs: HookStubs;
  readonly votes: TransactionVotes;
  readonly channels: ServerChannels;
  readonly logger: Logger;
}

/** Which repository becomes like which. */
export interface Mirroring {
  readonly source: Repository;
  readonly target: LocatedRepository;
  readonly call: Call;
  readonly options: GitCall;
  /** What the source's server is told along with calls. */
  readonly metadata: OutgoingMetadata;
}

/** Makes all references of a repository those of another one in the installation, HEAD as well. */
export async function mirrorReferences(needs: MirrorNeeds, mirroring: Mirroring): Promise<void> {
  const { source, target, call, metadata } = mirroring;
  const remote = openRemoteRepository(needs.channels, source, call, metadata);
  const head = await asked("getting remote default branch", () => remote.headReference());
  const resolving = "error calling the remote repo to resolve HEAD reference";
  const tip = await asked(resolving, () => remote.findCommit(head));
  await fetchAll(needs, mirroring);
  // An empty repository, or one whose HEAD is wrong: that isn't mended here.
  if (tip === undefined) return;
  await followHead(needs, mirroring, openLocated(needs, target, call), head);
}

async function asked<Result>(doing: string, ask: () => Promise<Result>): Promise<Result> {
  try {
    return await ask();
  } catch (error) {
    throw wrapError("internal", doing, error);
  }
}

async function fetchAll(
  needs: MirrorNeeds,
  { source, target, call, options }: Mirroring,
): Promise<void> {
  const sourceOptions = { targetStorage: target.storageName, gitProtocol: "version=2" };
  const { url, flags, env } = internalSource(needs, source, sourceOptions, call);
  const command = {
    name: "fetch",
    config: [
      { key: "advice.fetchShowForcedUpdates", value: "false" },
      { key: "fetch.negotiationAlgorithm", value: "skipping" },
      // They have been accepted once.
      { key: "fetch.fsckObjects", value: "false" },
    ],
    flags: [...["--no-write-fetch-head", "--quiet", "--prune", "--no-tags", "--atomic"], ...flags],
    args: [url, "+refs/*:refs/*"],
    env,
  } as const;
  const voting = votingHooks(needs, target, call);
  refuseFailure(await collectGit(needs.git, target, command, { ...options, ...voting }));
}

function refuseFailure({ failure, stderr }: CollectedGit): void {
  if (failure === undefined) return;
  throw internal(failure.message, { cause: failure, metadata: { stderr: quoteText(stderr) } });
}

async function followHead(
  needs: MirrorNeeds,
  { call, options }: Mirroring,
  repository: OpenedRepository,
  head: string,
): Promise<void> {
  const revisionNeeds = { git: needs.git, gitCall: () => options };
  if ((await verifyRevision(repository, head, revisionNeeds)) === undefined) {
    throw internal(
      "remote default branch does not resolve locally after fetch: reference not found",
    );
  }
  if (localHead(repository) === head) return;
  try {
    const changeOptions = { noDeref: true, git: options };
    await using change = await startReferenceChange(needs, repository, call, changeOptions);
    await change.updateSymbolic(HEAD, head);
    await change.commit();
  } catch (error) {
    throw wrapError("internal", "setting default branch on local repo: commit", error);
  }
}

function localHead({ refs }: OpenedRepository): string {
  try {
    return headTarget(refs);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    throw wrapError("internal", "getting HEAD on local repo", error);
  }
}
