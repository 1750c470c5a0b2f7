import type { Logger } from "../../base/log/logger.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { readSide } from "../../base/stream/read-side.ts";
import { PacketObserver } from "../../git/negotiation/packfile-negotiation.ts";
import { splitSideband } from "../../git/pkt-line/sideband.ts";
import type { RepositoryCache } from "../../git/repository/repository-cache.ts";
import type { ConfigPair, GitCommand } from "../../gitcmd/git-command.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { SSHService, SSHUploadPackWithSidechannelRequest } from "../../proto/ssh_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { openSidechannel } from "../../rpc/sidechannel/open-sidechannel.ts";
import type { ServerSidechannel } from "../../rpc/sidechannel/server-sidechannel.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { type BundleUris, fetchedBundleUriOptions } from "../common/bundle-uri/bundle-uris.ts";
import { ClientInput } from "../common/client-input.ts";
import { parseConfigOptions } from "../common/config-options.ts";
import { gitCall } from "../common/git-call.ts";
import { GitProtocols } from "../common/git-protocol.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { NegotiationRecorder, negotiationMessage } from "../common/negotiation-statistics.ts";
import { objectFormatOf } from "../common/object-format-of.ts";
import {
  type PackSharing,
  type PackSharingSettings,
  repositoryAddress,
} from "../common/pack-objects/pack-sharing.ts";
import { ReferenceLister } from "../common/reference-lister.ts";
import { sendTo } from "../common/relay.ts";
import { UploadAdvertiser } from "../common/upload-advertiser.ts";
import {
  type Exchange,
  type NegotiationTimeouts,
  runUploadCommand,
  TIMER_MS_MAX,
} from "../common/upload-command.ts";
import {
  type ReferenceTalkParts,
  talkOfReferences,
  withoutAdvertisement,
} from "./reference-talk.ts";

type SshUploadPack = Handler<typeof SSHService.method.sSHUploadPackWithSidechannel>;

interface Needs {
  readonly locator: RepositoryLocator;
  readonly git: GitRunner;
  readonly repositories: RepositoryCache;
  readonly packSharing: PackSharing;
  readonly bundleUris: BundleUris | undefined;
  readonly timeouts: NegotiationTimeouts;
  readonly metrics: MetricRegistry;
  readonly logger: Logger;
}

/** What is made once for all calls. */
interface Parts extends Needs, ReferenceTalkParts {
  readonly protocols: GitProtocols;
  readonly negotiations: NegotiationRecorder;
}

/**
 * Serves a fetch over SSH on a stream beside the call.
 *
 * The client's stdin comes in as it is; stdout and stderr go out on bands 1 and 2 of side-band-64k.
 */
export function sshUploadPackWithSidechannel(needs: Needs): SshUploadPack {
  const protocols = new GitProtocols(needs);
  const negotiations = new NegotiationRecorder(needs.metrics, "ssh");
  const advertiser = new UploadAdvertiser(needs);
  const lister = new ReferenceLister(needs);
  const parts = { ...needs, protocols, negotiations, advertiser, lister };
  return async (request, call) => {
    await using channel = await openChannel(call);
    const packfileNegotiationStatistics = await uploadPack(parts, request, channel, call);
    try {
      await channel.close();
    } catch (error) {
      throw wrapError("internal", "close sidechannel", error);
    }
    return { packfileNegotiationStatistics };
  };
}

async function openChannel({ connection, metadata, signal }: Call): Promise<ServerSidechannel> {
  try {
    return await openSidechannel(connection, metadata, signal);
  } catch (error) {
    // Clients know this text as it is.
    throw wrapError("internal", "opennig sidechannel", error);
  }
}

async function uploadPack(
  parts: Parts,
  request: SSHUploadPackWithSidechannelRequest,
  channel: ServerSidechannel,
  call: Call,
): Promise<ReturnType<typeof negotiationMessage>> {
  const { locator, timeouts, protocols, negotiations, packSharing, bundleUris } = parts;
  const repository = locateRepository(locator, request.repository);
  const options = parseConfigOptions(request.gitConfigOptions);
  const objectFormat = objectFormatOf(repository);
  const bundles = await fetchedBundleUriOptions(bundleUris, repository, call);
  const address = repositoryAddress(request.repository);
  const shared = { repository, address, objectFormat, protocol: "ssh" } as const;
  const sharing = packSharing.settings(shared, call);
  const env = { ...protocols.environment(request.gitProtocol, call), ...sharing.env };
  const observer = new PacketObserver("done");
  const fetch: Fetch = {
    repository,
    options,
    advertisedOptions: [...options, ...bundles],
    command: {
      name: "upload-pack",
      config: [...options, ...bundles, ...sharing.config],
      args: [repository.path],
      env,
    },
    input: new ClientInput(readSide(channel)),
    observer,
    sharing,
    negotiationTimeoutMs: timeouts.uploadPackNegotiationMs,
  };
  try {
    await serve(parts, fetch, channel, call);
  } catch (error) {
    throw wrapError("internal", "running upload-pack", error);
  } finally {
    observer.end();
    negotiations.record(call, observer);
  }
  return negotiationMessage(observer.statistics);
}

interface Fetch {
  readonly repository: LocatedRepository;
  /** The request's own settings. */
  readonly options: readonly ConfigPair[];
  /** Those together with what is said of bundles. */
  readonly advertisedOptions: readonly ConfigPair[];
  readonly command: GitCommand;
  readonly input: ClientInput;
  readonly observer: PacketObserver;
  readonly sharing: PackSharingSettings;
  readonly negotiationTimeoutMs: number;
}

async function serve(
  parts: Parts,
  fetch: Fetch,
  channel: ServerSidechannel,
  call: Call,
): Promise<void> {
  const { repository, command, input, observer, negotiationTimeoutMs } = fetch;
  const output = (chunk: Buffer) => sendTo(channel, [...splitSideband(1, chunk)]);
  const startedMs = performance.now();
  const state = await talk(parts, fetch, output, call);
  if (state === "all") return;
  const exchange = {
    input: input.fromStart(),
    output: state === "advertised" ? withoutAdvertisement(output) : output,
    progress: (chunk: Buffer) => sendTo(channel, [...splitSideband(2, chunk)]),
  };
  const waitedMs = performance.now() - startedMs;
  await runUploadCommand(parts.git, repository, command, exchange, {
    ...gitCall(call),
    observer,
    sharing: fetch.sharing,
    negotiationTimeoutMs: Math.max(negotiationTimeoutMs - waitedMs, 0),
  });
}

async function talk(
  parts: Parts,
  fetch: Fetch,
  output: Exchange["output"],
  { signal }: Call,
): Promise<"nothing" | "advertised" | "all"> {
  if (fetch.command.env?.["GIT_PROTOCOL"] !== "version=2") return "nothing";
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), Math.min(fetch.negotiationTimeoutMs, TIMER_MS_MAX));
  try {
    const either = AbortSignal.any([signal, limit.signal]);
    return await talkOfReferences(parts, { ...fetch, output, signal: either });
  } finally {
    clearTimeout(timer);
  }
}
