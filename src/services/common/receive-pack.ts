import type { Readable } from "node:stream";
import type { Logger } from "../../base/log/logger.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import type { GitCommand, GitFlag } from "../../gitcmd/git-command.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import { RECEIVE_PACK_HOOKS } from "../../hooks/context/hook-name.ts";
import type { PushContext } from "../../hooks/context/push-context.ts";
import type { HookManager } from "../../hooks/hook-manager.ts";
import type { HookStubs } from "../../hooks/stub/hook-stubs.ts";
import { serveHookChannel } from "../../hooks/stub/serve-hook-channel.ts";
import type { PostReceivePackRequest } from "../../proto/smarthttp_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { parseConfigOptions } from "./config-options.ts";
import { featureFlags } from "./feature-flags.ts";
import { gitCall } from "./git-call.ts";
import { GitProtocols } from "./git-protocol.ts";
import { objectFormatOf } from "./object-format-of.ts";
import { startFailure } from "./start-failure.ts";
import type { TransactionVotes } from "./transaction-votes.ts";
import { drain, type Exchange, untilFailure } from "./upload-command.ts";

export interface ReceivePackNeeds {
  readonly locator: RepositoryLocator;
  readonly git: GitRunner;
  readonly hooks: HookManager;
  readonly hookStubs: HookStubs;
  readonly votes: TransactionVotes;
  readonly metrics: MetricRegistry;
  readonly logger: Logger;
}

/** What a push's first message says, whatever it came over. */
export type PushRequest = Pick<
  PostReceivePackRequest,
  "glId" | "glUsername" | "gitConfigOptions" | "gitProtocol"
>;

/** `git receive-pack` has failed; the client has been told what it said. */
export interface ReceivePackResult {
  readonly failure: GitExitError | undefined;
  /** The start of what git said on stderr. */
  readonly stderr: string;
}

/** Bytes of stderr that are kept to judge a failure by. */
const STDERR_BYTES_MAX = 64 * 1024;

/** What clients are told when git could not be started. */
const START_FAILURE = {
  ssh: { kind: "internal", doing: "start cmd" },
  http: { kind: "failed-precondition", doing: "spawning receive-pack" },
} as const;

/** Runs `git receive-pack` for a client, with the push's hooks answered by this process. */
export async function runReceivePack(
  needs: ReceivePackNeeds,
  repository: LocatedRepository,
  request: PushRequest,
  transport: { protocol: "ssh" | "http"; flags: readonly GitFlag[]; exchange: Exchange },
  call: Call,
): Promise<ReceivePackResult> {
  const { git, hooks, hookStubs, logger, votes } = needs;
  const config = parseConfigOptions(request.gitConfigOptions);
  const transaction = votes.transactionOf(call);
  const context = {
    ...pushContext(repository, request, transport.protocol, call),
    ...(transaction && { transaction }),
  };
  const command: GitCommand = {
    name: "receive-pack",
    config,
    flags: transport.flags,
    args: [repository.path],
    env: new GitProtocols(needs).environment(request.gitProtocol, call),
  };
  const chosen = hookStubs.choose(hooks.neededHooks(context));
  await using process = await git
    .start(repository, command, {
      ...gitCall(call),
      stdin: "pipe",
      // What nobody is shown goes to the log.
      stderr: transport.exchange.progress === undefined ? "collect" : "stream",
      channel: chosen !== "disabled",
      hooks: chosen,
    })
    .catch((error: unknown) => {
      const { kind, doing } = START_FAILURE[transport.protocol];
      throw startFailure(kind, doing, error);
    });
  const { exchange } = transport;
  const serving =
    process.channel && serveHookChannel(process.channel, hooks, context, call.signal, logger);
  const stderr = new StderrStart();
  // A client whose push has been answered may keep its side open: nobody waits for it.
  process.feed(untilFailure(exchange.input)).catch(() => undefined);
  await Promise.all([
    drain(process.stdout, exchange.output),
    relayStderr(process.stderr, stderr, exchange),
  ]);
  const failure = await exitFailure(process);
  await serving;
  if (failure === undefined && transaction !== undefined) {
    await votes.conclude(transaction, call.signal);
  }
  return { failure, stderr: stderr.text };
}

function pushContext(
  repository: LocatedRepository,
  { glId, glUsername }: PushRequest,
  protocol: string,
  call: Call,
): PushContext {
  return {
    repository,
    objectFormat: objectFormatOf(repository),
    user: {
      id: glId,
      username: glUsername,
      protocol,
      remoteIp: call.metadata.get("remote_ip") ?? "",
    },
    requestedHooks: RECEIVE_PACK_HOOKS,
    featureFlags: featureFlags(call.metadata),
    correlationId: call.correlationId,
    clientContext: clientContext(call),
  };
}

/** What the client wants GitLab to know of the push. */
function clientContext({ metadata }: Call): Uint8Array | undefined {
  const bytes = metadata.get("gitaly-client-context-bin") ?? "";
  return bytes === "" ? undefined : Buffer.from(bytes, "latin1");
}

class StderrStart {
  text = "";

  add(chunk: Buffer): void {
    if (this.text.length < STDERR_BYTES_MAX) this.text += chunk.toString("latin1");
  }
}

async function relayStderr(
  stream: Readable,
  start: StderrStart,
  exchange: Exchange,
): Promise<void> {
  await drain(stream, async (chunk) => {
    start.add(chunk);
    await exchange.progress?.(chunk);
  });
}

async function exitFailure(process: {
  wait(): Promise<unknown>;
}): Promise<GitExitError | undefined> {
  try {
    await process.wait();
    return undefined;
  } catch (error) {
    if (error instanceof GitExitError) return error;
    throw error;
  }
}
