import { setImmediate as nextTurn } from "node:timers/promises";
import { PACK_HEADER_BYTES, packObjectCount } from "../../../git/receive/pack-start.ts";
import type { PushRequest } from "../../../git/receive/push-command.ts";
import { PushRequestParser } from "../../../git/receive/push-request-parser.ts";
import { parseRefName } from "../../../git/ref/ref-name.ts";
import type { GitFlag } from "../../../gitcmd/git-command.ts";
import { GitExitError } from "../../../gitcmd/git-runner.ts";
import type { Call } from "../../../rpc/call.ts";
import type { LocatedRepository } from "../../../storage/locator/repository-locator.ts";
import { changeContext } from "../change-context.ts";
import { ClientInput } from "../client-input.ts";
import { parseConfigOptions } from "../config-options.ts";
import { type GitCall, gitCall } from "../git-call.ts";
import { GitProtocols } from "../git-protocol.ts";
import type { Exchange } from "../upload-command.ts";
import {
  type GitReceivePack,
  type ReceivePackResult,
  runGitReceivePack,
} from "./git-receive-pack.ts";
import type { IncomingPack } from "./incoming-pack.ts";
import { advertisePush } from "./push-advertiser.ts";
import { PushOutput } from "./push-output.ts";
import { openForPush, type PushableRepository } from "./push-settings.ts";
import { isZero } from "./pushed-ref.ts";
import type { PushOrigin, ReceivePackNeeds } from "./receive-pack-needs.ts";
import { receivePush } from "./received-push.ts";

/** References that are looked at before others get their turn. */
const REFS_PER_TURN = 200;

/** How a client and the server talk to each other. Over SSH, the server begins. */
export interface PushTransport {
  readonly protocol: "ssh" | "http";
  readonly exchange: Exchange;
}

/**
 * Serves a client that pushes.
 *
 * The usual push is received in this process; what is unusual, and what breaks the protocol, is left
 * to `git receive-pack`, before anything has happened: it reads what we have read. Either way hooks
 * and votes are answered by this process.
 */
export async function receivePack(
  needs: ReceivePackNeeds,
  located: LocatedRepository,
  origin: PushOrigin,
  transport: PushTransport,
  call: Call,
): Promise<ReceivePackResult> {
  const config = parseConfigOptions(origin.gitConfigOptions);
  const changer = { ...origin, protocol: transport.protocol };
  const context = changeContext(needs.votes, located, changer, call);
  const { transaction } = context;
  const env = new GitProtocols(needs).environment(origin.gitProtocol, call);
  const { protocol, exchange } = transport;
  const conversation: Conversation = {
    needs,
    pushable: openForPush(needs, located, config),
    git: { context, protocol, config, env },
    input: new ClientInput(exchange.input),
    exchange,
    call: gitCall(call),
  };
  const result = await converse(conversation);
  if (result.failure === undefined && transaction !== undefined) {
    await needs.votes.conclude(transaction, call.signal);
  }
  return result;
}

interface Conversation {
  readonly needs: ReceivePackNeeds;
  /** Undefined when git has to do everything. */
  readonly pushable: PushableRepository | undefined;
  readonly git: Omit<GitReceivePack, "flags" | "input">;
  readonly input: ClientInput;
  readonly exchange: Exchange;
  readonly call: GitCall;
}

async function converse(conversation: Conversation): Promise<ReceivePackResult> {
  const { pushable, git, needs, exchange } = conversation;
  const isSpoken = git.protocol === "ssh";
  if (pushable === undefined) return leaveToGit(conversation, isSpoken ? [] : ["--stateless-rpc"]);
  if (isSpoken) {
    const { repository, settings } = pushable;
    const advertisement = await advertisePush(needs.git, repository, settings, git.env);
    if (advertisement === undefined) return leaveToGit(conversation, []);
    for (const chunk of advertisement) await exchange.output(chunk);
  }
  const push = await readPush(conversation, pushable);
  // The references are advertised by now.
  if (push === undefined) return leaveToGit(conversation, ["--stateless-rpc"]);
  return receive(conversation, pushable, push);
}

function leaveToGit(
  { needs, git, input, exchange, call }: Conversation,
  flags: readonly GitFlag[],
): Promise<ReceivePackResult> {
  return runGitReceivePack(needs, { ...git, flags, input: input.fromStart() }, exchange, call);
}

interface ReadPush {
  readonly request: PushRequest;
  readonly pack: IncomingPack | undefined;
}

/** Reads up to the objects of the pack; undefined when git has to receive the push. */
async function readPush(
  { input }: Conversation,
  { repository, settings }: PushableRepository,
): Promise<ReadPush | undefined> {
  const parser = new PushRequestParser(repository.objectFormat, settings);
  let state = parser.push(new Uint8Array());
  while (state === "incomplete") {
    const chunk = await input.next();
    if (chunk === undefined) return undefined;
    state = parser.push(chunk);
  }
  const { request } = parser;
  if (state === "unusual" || (await changesAlias(request, repository))) return undefined;
  if (request.commands.every(({ newOid }) => isZero(newOid))) return { request, pack: undefined };
  const pack = await readPackStart(input, parser.takeRest());
  return pack && { request, pack };
}

/** Symbolic references and what they lead to may contradict each other. */
async function changesAlias(
  { commands }: PushRequest,
  { refs }: PushableRepository["repository"],
): Promise<boolean> {
  for (const [index, { name }] of commands.entries()) {
    const refName = parseRefName(name, { oneLevel: true });
    if (refName !== undefined && refs.read(refName)?.kind === "symbolic") return true;
    if (index % REFS_PER_TURN === REFS_PER_TURN - 1) await nextTurn();
  }
  return false;
}

async function readPackStart(
  input: ClientInput,
  rest: readonly Buffer[],
): Promise<IncomingPack | undefined> {
  let start = Buffer.concat(rest);
  while (start.length < PACK_HEADER_BYTES) {
    const chunk = await input.next();
    if (chunk === undefined) return undefined;
    start = Buffer.concat([start, chunk]);
  }
  const objectCount = packObjectCount(start);
  return objectCount === undefined ? undefined : { objectCount, bytes: input.from([start]) };
}

async function receive(
  { needs, git, exchange, call }: Conversation,
  pushable: PushableRepository,
  push: ReadPush,
): Promise<ReceivePackResult> {
  const { sideband } = push.request.capabilities;
  const { keepAliveSeconds } = pushable.settings;
  using output = new PushOutput(exchange, { sideband, keepAliveSeconds });
  try {
    if (push.request.commands.length > 0) {
      await receivePush(needs, { ...push, ...pushable, context: git.context }, output, call);
    }
    return { failure: undefined, stderr: output.stderrText };
  } catch (error) {
    call.signal.throwIfAborted();
    if (!(error instanceof GitExitError)) throw error;
    return { failure: error, stderr: output.stderrText };
  }
}
