import { DomainError } from "../../base/error/domain-error.ts";
import { PktLineEncoder } from "../../git/pkt-line/pkt-line-encoder.ts";
import type { HookService, ProcReceiveHookRequest } from "../../proto/hook_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, type RpcError } from "../../rpc/rpc-error.ts";
import { readPayload } from "./hook-context.ts";
import { openHookStream } from "./hook-stream.ts";
import { isFlush, PktLineScanner, packetPayload } from "./pkt-line-scanner.ts";

type ProcReceiveHook = Handler<typeof HookService.method.procReceiveHook>;

const DOING = "creating handler";

/**
 * Hands the commands of a push to the call that waits for them, in a transaction on disk.
 *
 * There are no such transactions here, so nobody ever waits: a hook that speaks its protocol
 * (githooks(5), "proc-receive") well is told so, and the push fails.
 */
export function procReceiveHook(): ProcReceiveHook {
  return async function* (requests) {
    const { first, rest } = await openHookStream(requests);
    const id = transactionId(first);
    const packets = new PktLineScanner(rest);
    const features = await readGreeting(packets);
    yield { stdout: new PktLineEncoder().line(`version=1${features.text}`).take() };
    yield { stdout: new PktLineEncoder().flush().take() };
    await readSection(packets, "receiving reference update", checkCommand);
    if (features.hasPushOptions) await readSection(packets, "getting push option payload");
    if (packets.problem !== undefined) {
      throw internal(`${DOING}: parsing stdin: ${packets.problem}`);
    }
    const stderr = Buffer.from(`transmitting handler: no waiters for id: ${id}`);
    yield { stderr, exitStatus: { value: 1 } };
  };
}

function transactionId({ environmentVariables }: ProcReceiveHookRequest): bigint {
  try {
    const { diskTransactionId } = readPayload(environmentVariables);
    if (diskTransactionId !== undefined) return diskTransactionId;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    throw internal(`${DOING}: ${error.message}`, { cause: error });
  }
  throw internal(`${DOING}: no transaction found in payload`);
}

interface Features {
  readonly hasPushOptions: boolean;
  /** As they are confirmed, behind a NUL; empty without any. */
  readonly text: string;
}

async function readGreeting(packets: PktLineScanner): Promise<Features> {
  const greeting = await packets.next();
  if (greeting === undefined) throw missing("version negotiation", packets);
  const content = payloadOf(greeting, "receiving header");
  const end = content.includes(0) ? content.indexOf(0) : content.length;
  if (!content.subarray(0, end).toString("latin1").startsWith("version=1")) {
    throw internal(`${DOING}: unsupported version: ${content}`);
  }
  const flush = await packets.next();
  if (flush === undefined) throw missing("flush", packets);
  if (!isFlush(flush)) throw internal(`${DOING}: expected pkt flush`);
  const asked = new Set(
    content
      .subarray(end + 1)
      .toString()
      .trim()
      .split(" "),
  );
  const features = ["push-options", "atomic"].filter((feature) => asked.has(feature));
  return {
    hasPushOptions: asked.has("push-options"),
    text: features.length === 0 ? "" : `\0${features.join(" ")}`,
  };
}

/** Reads up to a flush, or to the end of what the hook says. */
async function readSection(
  packets: PktLineScanner,
  problem: string,
  check: (content: Buffer) => void = () => undefined,
): Promise<void> {
  for (;;) {
    const packet = await packets.next();
    if (packet === undefined || isFlush(packet)) return;
    check(payloadOf(packet, problem));
  }
}

function checkCommand(content: Buffer): void {
  const words = content.toString().split(" ");
  if (words.length === 3) return;
  throw internal(
    `${DOING}: parse reference update: unknown ref update format: [${words.join(" ")}]`,
  );
}

function payloadOf(packet: Buffer, problem: string): Buffer {
  const content = packetPayload(packet);
  if (typeof content === "string") throw internal(`${DOING}: ${problem}: ${content}`);
  return content;
}

function missing(expected: string, { problem }: PktLineScanner): RpcError {
  // So ends the reference server's message when the hook has just stopped speaking.
  return internal(`${DOING}: expected ${expected}: ${problem ?? "%!w(<nil>)"}`);
}
