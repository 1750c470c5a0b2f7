import { readSide } from "../../base/stream/read-side.ts";
import { type SidebandNumber, splitSideband } from "../../git/pkt-line/sideband.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { SSHService, SSHUploadPackWithSidechannelRequest } from "../../proto/ssh_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { openSidechannel } from "../../rpc/sidechannel/open-sidechannel.ts";
import type { ServerSidechannel } from "../../rpc/sidechannel/server-sidechannel.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { parseConfigOptions } from "../common/config-options.ts";
import { gitCall } from "../common/git-call.ts";
import { gitProtocolEnvironment } from "../common/git-protocol.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { logNegotiation, negotiationMessage } from "../common/negotiation-statistics.ts";
import { type NegotiationTimeouts, runUploadCommand } from "../common/upload-command.ts";
import { NO_BUNDLE_URI } from "../common/upload-pack-config.ts";
import { writeTo } from "../common/write-to.ts";

type SshUploadPack = Handler<typeof SSHService.method.sSHUploadPackWithSidechannel>;

interface Needs {
  readonly locator: RepositoryLocator;
  readonly git: GitRunner;
  readonly timeouts: NegotiationTimeouts;
}

/**
 * Serves a fetch over SSH on a stream beside the call.
 *
 * The client's stdin comes in as it is; stdout and stderr go out on bands 1 and 2 of side-band-64k.
 */
export function sshUploadPackWithSidechannel(needs: Needs): SshUploadPack {
  return async (request, call) => {
    await using channel = await openChannel(call);
    const packfileNegotiationStatistics = await uploadPack(needs, request, channel, call);
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
  { locator, git, timeouts }: Needs,
  request: SSHUploadPackWithSidechannelRequest,
  channel: ServerSidechannel,
  call: Call,
): Promise<ReturnType<typeof negotiationMessage>> {
  const repository = locateRepository(locator, request.repository);
  const command = {
    name: "upload-pack",
    config: [...parseConfigOptions(request.gitConfigOptions), ...NO_BUNDLE_URI],
    args: [repository.path],
    env: gitProtocolEnvironment(request.gitProtocol),
  } as const;
  const exchange = {
    input: readSide(channel),
    output: (chunk: Buffer) => writeBand(channel, 1, chunk),
    progress: (chunk: Buffer) => writeBand(channel, 2, chunk),
  };
  try {
    const { statistics } = await runUploadCommand(git, repository, command, exchange, {
      ...gitCall(call),
      boundary: "done",
      negotiationTimeoutMs: timeouts.uploadPackNegotiationMs,
    });
    logNegotiation(call, statistics);
    return negotiationMessage(statistics);
  } catch (error) {
    throw wrapError("internal", "running upload-pack", error);
  }
}

async function writeBand(
  channel: ServerSidechannel,
  band: SidebandNumber,
  chunk: Buffer,
): Promise<void> {
  const pieces = [...splitSideband(band, chunk)];
  // Only the last piece is waited for; a channel that fails meanwhile fails that one, too.
  channel.cork();
  for (const piece of pieces.slice(0, -1)) channel.write(piece);
  const written = writeTo(channel, pieces.at(-1) ?? chunk);
  channel.uncork();
  await written;
}
