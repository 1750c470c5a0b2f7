import type { Logger } from "../../base/log/logger.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { readSide } from "../../base/stream/read-side.ts";
import { PacketObserver } from "../../git/negotiation/packfile-negotiation.ts";
import { splitSideband } from "../../git/pkt-line/sideband.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { SSHService, SSHUploadPackWithSidechannelRequest } from "../../proto/ssh_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { openSidechannel } from "../../rpc/sidechannel/open-sidechannel.ts";
import type { ServerSidechannel } from "../../rpc/sidechannel/server-sidechannel.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { type BundleUris, fetchedBundleUriOptions } from "../common/bundle-uri/bundle-uris.ts";
import { parseConfigOptions } from "../common/config-options.ts";
import { gitCall } from "../common/git-call.ts";
import { GitProtocols } from "../common/git-protocol.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { NegotiationRecorder, negotiationMessage } from "../common/negotiation-statistics.ts";
import { objectFormatOf } from "../common/object-format-of.ts";
import { type PackSharing, repositoryAddress } from "../common/pack-objects/pack-sharing.ts";
import { sendTo } from "../common/relay.ts";
import { type NegotiationTimeouts, runUploadCommand } from "../common/upload-command.ts";

type SshUploadPack = Handler<typeof SSHService.method.sSHUploadPackWithSidechannel>;

interface Needs {
  readonly locator: RepositoryLocator;
  readonly git: GitRunner;
  readonly packSharing: PackSharing;
  readonly bundleUris: BundleUris | undefined;
  readonly timeouts: NegotiationTimeouts;
  readonly metrics: MetricRegistry;
  readonly logger: Logger;
}

/** What is made once for all calls. */
interface Parts extends Needs {
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
  const parts = { ...needs, protocols, negotiations };
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
  { locator, git, timeouts, protocols, negotiations, packSharing, bundleUris }: Parts,
  request: SSHUploadPackWithSidechannelRequest,
  channel: ServerSidechannel,
  call: Call,
): Promise<ReturnType<typeof negotiationMessage>> {
  const repository = locateRepository(locator, request.repository);
  const options = parseConfigOptions(request.gitConfigOptions);
  const objectFormat = objectFormatOf(repository);
  const bundles = await fetchedBundleUriOptions(bundleUris, repository, call);
  const address = repositoryAddress(request.repository);
  const sharing = packSharing.settings({ address, objectFormat, protocol: "ssh" }, call);
  const config = [...options, ...bundles, ...sharing.config];
  const env = { ...protocols.environment(request.gitProtocol, call), ...sharing.env };
  const command = { name: "upload-pack", config, args: [repository.path], env } as const;
  const exchange = {
    input: readSide(channel),
    output: (chunk: Buffer) => sendTo(channel, [...splitSideband(1, chunk)]),
    progress: (chunk: Buffer) => sendTo(channel, [...splitSideband(2, chunk)]),
  };
  const observer = new PacketObserver("done");
  try {
    await runUploadCommand(git, repository, command, exchange, {
      ...gitCall(call),
      observer,
      negotiationTimeoutMs: timeouts.uploadPackNegotiationMs,
    });
  } catch (error) {
    throw wrapError("internal", "running upload-pack", error);
  } finally {
    observer.end();
    negotiations.record(call, observer);
  }
  return negotiationMessage(observer.statistics);
}
