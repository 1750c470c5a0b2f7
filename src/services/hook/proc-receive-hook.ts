import { DomainError } from "../../base/error/domain-error.ts";
import { PktLineEncoder } from "../../git/pkt-line/pkt-line-encoder.ts";
import { type Packet, PktLineParser } from "../../git/pkt-line/pkt-line-parser.ts";
import type { HookService, ProcReceiveHookRequest } from "../../proto/hook_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, wrapError } from "../../rpc/rpc-error.ts";
import { readPayload } from "./hook-context.ts";
import { openHookStream } from "./hook-stream.ts";

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
    const packets = readPackets(rest);
    const features = await readGreeting(packets);
    const greeting = new PktLineEncoder().line(`version=1${features.text}`).flush().take();
    yield { stdout: greeting };
    await readSection(packets, checkCommand);
    if (features.hasPushOptions) await readSection(packets, () => undefined);
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

async function* readPackets(
  requests: AsyncIterable<ProcReceiveHookRequest>,
): AsyncGenerator<Packet, void, undefined> {
  const parser = new PktLineParser();
  for await (const { stdin } of requests) {
    parser.push(stdin);
    for (;;) {
      const packet = nextPacket(parser);
      if (packet === undefined) break;
      yield packet;
    }
  }
}

function nextPacket(parser: PktLineParser): Packet | undefined {
  try {
    return parser.next();
  } catch (error) {
    throw wrapError("internal", `${DOING}: parsing stdin`, error);
  }
}

interface Features {
  readonly hasPushOptions: boolean;
  /** As they are confirmed, behind a NUL; empty without any. */
  readonly text: string;
}

async function readGreeting(packets: AsyncIterator<Packet>): Promise<Features> {
  const greeting = await packets.next();
  if (greeting.done === true) throw internal(`${DOING}: expected version negotiation`);
  const text = greeting.value.kind === "data" ? greeting.value.data.toString("latin1") : "";
  if (!text.startsWith("version=1")) throw internal(`${DOING}: unsupported version: ${text}`);
  const flush = await packets.next();
  if (flush.done === true) throw internal(`${DOING}: expected flush`);
  if (flush.value.kind !== "flush") throw internal(`${DOING}: expected pkt flush`);
  const asked = new Set((text.split("\0")[1] ?? "").trim().split(" "));
  const features = ["push-options", "atomic"].filter((feature) => asked.has(feature));
  return {
    hasPushOptions: asked.has("push-options"),
    text: features.length === 0 ? "" : `\0${features.join(" ")}`,
  };
}

/** Reads up to a flush, or to the end of what the hook says. */
async function readSection(
  packets: AsyncIterator<Packet>,
  check: (line: Buffer) => void,
): Promise<void> {
  for (;;) {
    const { done, value } = await packets.next();
    if (done === true || value.kind === "flush") return;
    if (value.kind === "data") check(value.data);
  }
}

function checkCommand(line: Buffer): void {
  const words = line.toString("latin1").split(" ");
  if (words.length === 3) return;
  throw internal(
    `${DOING}: parse reference update: unknown ref update format: [${words.join(" ")}]`,
  );
}
