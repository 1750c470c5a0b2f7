import type { Logger } from "../../base/log/logger.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { readSide } from "../../base/stream/read-side.ts";
import { PacketObserver } from "../../git/negotiation/packfile-negotiation.ts";
import type { RepositoryCache } from "../../git/repository/repository-cache.ts";
import type { GitCommand } from "../../gitcmd/git-command.ts";
import { GitExitError, type GitProcess, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { openSidechannel } from "../../rpc/sidechannel/open-sidechannel.ts";
import type { ServerSidechannel } from "../../rpc/sidechannel/server-sidechannel.ts";
import { SidechannelError } from "../../rpc/sidechannel/sidechannel-error.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { type BundleUris, fetchedBundleUriOptions } from "../common/bundle-uri/bundle-uris.ts";
import { ClientInput } from "../common/client-input.ts";
import { ConfigOptionError, parseConfigOptions } from "../common/config-options.ts";
import { gitCall } from "../common/git-call.ts";
import { GitProtocols } from "../common/git-protocol.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { NegotiationRecorder, negotiationMessage } from "../common/negotiation-statistics.ts";
import { objectFormatOf } from "../common/object-format-of.ts";
import {
  type PackSharing,
  type PackSharingSettings,
  repositoryAddress,
  whileSharing,
} from "../common/pack-objects/pack-sharing.ts";
import { ReferenceLister } from "../common/reference-lister.ts";
import { relay, sendTo } from "../common/relay.ts";
import { startFailure } from "../common/start-failure.ts";
import { observed } from "../common/upload-command.ts";

type PostUploadPack = Handler<typeof SmartHTTPService.method.postUploadPackWithSidechannel>;

interface Needs {
  readonly locator: RepositoryLocator;
  readonly git: GitRunner;
  readonly repositories: RepositoryCache;
  readonly packSharing: PackSharing;
  readonly bundleUris: BundleUris | undefined;
  readonly metrics: MetricRegistry;
  readonly logger: Logger;
}

/**
 * Serves a fetch over HTTP on a stream beside the call: the body of `POST /git-upload-pack` comes
 * in, its answer goes out, both as they are.
 */
export function postUploadPackWithSidechannel(needs: Needs): PostUploadPack {
  const { locator, git, packSharing, bundleUris } = needs;
  const protocols = new GitProtocols(needs);
  const lister = new ReferenceLister(needs);
  const negotiations = new NegotiationRecorder(needs.metrics, "smarthttp");
  return async (request, call) => {
    const repository = locateRepository(locator, request.repository);
    const options = configOf(request.gitConfigOptions);
    await using channel = await openChannel(call);
    const observer = new PacketObserver("done");
    try {
      const objectFormat = objectFormatOf(repository);
      const bundles = await fetchedBundleUriOptions(bundleUris, repository, call);
      const address = repositoryAddress(request.repository);
      const shared = { repository, address, objectFormat, protocol: "http" } as const;
      const sharing = packSharing.settings(shared, call);
      const command: GitCommand = {
        name: "upload-pack",
        config: [...options, ...bundles, ...sharing.config],
        flags: ["--stateless-rpc"],
        args: [repository.path],
        env: { ...protocols.environment(request.gitProtocol, call), ...sharing.env },
      };
      const input = new ClientInput(observed(readSide(channel), observer));
      const isNew = command.env?.["GIT_PROTOCOL"] === "version=2";
      const listing = isNew
        ? await lister.answer(repository, options, input, call.signal)
        : undefined;
      if (listing !== undefined) await sendTo(channel, listing === "end" ? [] : listing);
      else
        await uploadPack(git, { repository, command }, { channel, observer, input, sharing }, call);
    } catch (error) {
      throw wrapError("internal", "running upload-pack", error);
    } finally {
      observer.end();
      negotiations.record(call, observer);
    }
    await closeChannel(channel);
    // A negotiation that git understands and we don't is as good as none.
    const { wellFormed, statistics } = observer;
    return wellFormed ? { packfileNegotiationStatistics: negotiationMessage(statistics) } : NONE;
  };
}

const NONE = { packfileNegotiationStatistics: {} };

function configOf(options: readonly string[]): ReturnType<typeof parseConfigOptions> {
  try {
    return parseConfigOptions(options);
  } catch (error) {
    if (!(error instanceof ConfigOptionError)) throw error;
    throw new RpcError("invalid-argument", error.message, { cause: error });
  }
}

async function openChannel({ connection, metadata, signal }: Call): Promise<ServerSidechannel> {
  try {
    return await openSidechannel(connection, metadata, signal);
  } catch (error) {
    // The client may try the call again when just the stream could not be had.
    const kind = error instanceof SidechannelError && error.retryable ? "unavailable" : "internal";
    throw wrapError(kind, "open sidechannel", error);
  }
}

async function closeChannel(channel: ServerSidechannel): Promise<void> {
  try {
    await channel.close();
  } catch (error) {
    throw wrapError("internal", "close sidechannel connection", error);
  }
}

interface Conversation {
  readonly channel: ServerSidechannel;
  /** Listens to the input. */
  readonly observer: PacketObserver;
  readonly input: ClientInput;
  readonly sharing: PackSharingSettings;
}

async function uploadPack(
  git: GitRunner,
  { repository, command }: { repository: LocatedRepository; command: GitCommand },
  { channel, observer, input, sharing }: Conversation,
  call: Call,
): Promise<void> {
  const options = { ...gitCall(call), channel: sharing.serve !== undefined };
  await using process = await git
    .start(repository, command, { ...options, stdin: "pipe" })
    .catch((error: unknown) => {
      throw startFailure("failed-precondition", "spawning upload-pack", error);
    });
  // Git may have answered before the client has said everything.
  process.feed(input.fromStart()).catch(() => undefined);
  await whileSharing(process, sharing, options.usage, async () => {
    try {
      await relay(process.stdout, (piece) => sendTo(channel, [piece]));
    } catch (error) {
      throw wrapError("failed-precondition", "copying stdout from upload-pack", error);
    }
    await waitFor(process, observer);
  });
}

async function waitFor(process: GitProcess, observer: PacketObserver): Promise<void> {
  try {
    await process.wait();
  } catch (error) {
    // A request that only asks how deep to cut the history ends with a failure of git.
    const isAnswer = error instanceof GitExitError && isDeepening(observer);
    if (isAnswer) return;
    throw failure("waiting for upload-pack", error);
  }
}

function isDeepening(observer: PacketObserver): boolean {
  observer.end();
  return observer.wellFormed && observer.statistics.deepen !== "";
}

function failure(doing: string, error: unknown): RpcError {
  if (!(error instanceof GitExitError)) return wrapError("failed-precondition", doing, error);
  return failedPrecondition(`${doing}: ${error.message}`, { cause: error });
}
