import { readSide } from "../../base/stream/read-side.ts";
import {
  type NegotiationStatistics,
  PacketObserver,
} from "../../git/negotiation/packfile-negotiation.ts";
import type { GitCommand } from "../../gitcmd/git-command.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
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
import { ConfigOptionError, parseConfigOptions } from "../common/config-options.ts";
import { gitCall } from "../common/git-call.ts";
import { gitProtocolEnvironment } from "../common/git-protocol.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { logNegotiation, negotiationMessage } from "../common/negotiation-statistics.ts";
import { drain, observed } from "../common/upload-command.ts";
import { NO_BUNDLE_URI } from "../common/upload-pack-config.ts";
import { writeTo } from "../common/write-to.ts";

type PostUploadPack = Handler<typeof SmartHTTPService.method.postUploadPackWithSidechannel>;
type Needs = { readonly locator: RepositoryLocator; readonly git: GitRunner };

/**
 * Serves a fetch over HTTP on a stream beside the call: the body of `POST /git-upload-pack` comes
 * in, its answer goes out, both as they are.
 */
export function postUploadPackWithSidechannel({ locator, git }: Needs): PostUploadPack {
  return async (request, call) => {
    const repository = locateRepository(locator, request.repository);
    const command: GitCommand = {
      name: "upload-pack",
      config: [...configOf(request.gitConfigOptions), ...NO_BUNDLE_URI],
      flags: ["--stateless-rpc"],
      args: [repository.path],
      env: gitProtocolEnvironment(request.gitProtocol),
    };
    await using channel = await openChannel(call);
    const statistics = await uploadPack(git, repository, command, channel, call);
    logNegotiation(call, statistics);
    try {
      await channel.close();
    } catch (error) {
      throw wrapError("internal", "close sidechannel connection", error);
    }
    return { packfileNegotiationStatistics: negotiationMessage(statistics) };
  };
}

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

async function uploadPack(
  git: GitRunner,
  repository: LocatedRepository,
  command: GitCommand,
  channel: ServerSidechannel,
  call: Call,
): Promise<NegotiationStatistics> {
  const observer = new PacketObserver("done", () => undefined);
  await using process = await git.start(repository, command, { ...gitCall(call), stdin: "pipe" });
  // A client that goes away while it still sends ends the call, and git with it.
  process.feed(observed(readSide(channel), observer)).catch(() => process.kill());
  try {
    await drain(process.stdout, (chunk) => writeTo(channel, chunk));
    await process.wait();
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    // A request that only asks how deep to cut the history ends with a failure of git.
    if (observer.statistics.deepen === "") {
      const message = `running upload-pack: waiting for upload-pack: ${error.message}`;
      throw failedPrecondition(message, { cause: error });
    }
  }
  return observer.statistics;
}
