import { DomainError } from "../../base/error/domain-error.ts";
import type { RequestMetadata } from "../call.ts";
import type { Connection } from "../listener/connection.ts";
import type { YamuxStream } from "../yamux/yamux-stream.ts";
import { CONFIRMATION, encodeGreeting, ID_METADATA, SIDECHANNEL_TIMEOUT_MS } from "./greeting.ts";
import { readExactly } from "./read-exactly.ts";
import { ServerSidechannel } from "./server-sidechannel.ts";
import { SidechannelError } from "./sidechannel-error.ts";

/**
 * Opens a stream back to the client of a call, for bytes beside the call's messages.
 *
 * Throws a SidechannelError when the client hasn't asked for one, its connection isn't
 * multiplexed, or it doesn't answer within 5 seconds. The caller closes the stream; when the call
 * is aborted before that, the stream fails.
 */
export async function openSidechannel(
  connection: Connection,
  metadata: RequestMetadata,
  signal: AbortSignal,
): Promise<ServerSidechannel> {
  const id = metadata.get(ID_METADATA);
  if (id === undefined) {
    throw new SidechannelError("sidechannel-id not found in incoming metadata");
  }
  if (connection.mux === undefined) {
    throw new SidechannelError("fail to extract mux session: non-multiplexed connection");
  }
  const stream = await connection.mux.open(signal).catch((cause: unknown) => {
    throw retryable("open stream", cause);
  });
  try {
    await greet(stream, parseId(id), signal);
  } catch (error) {
    stream.hangUp();
    throw error;
  }
  const sidechannel = new ServerSidechannel(stream);
  const onAbort = (): void => {
    sidechannel.destroy(new SidechannelError("call aborted"));
  };
  signal.addEventListener("abort", onAbort, { once: true });
  sidechannel.once("close", () => signal.removeEventListener("abort", onAbort));
  return sidechannel;
}

async function greet(stream: YamuxStream, id: bigint, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(SIDECHANNEL_TIMEOUT_MS)]);
  stream.write(encodeGreeting(id));
  const answer = await readExactly(stream, CONFIRMATION.length, limit).catch((cause: unknown) => {
    throw retryable("receive confirmation", cause);
  });
  if (!answer.equals(CONFIRMATION)) {
    throw new SidechannelError(`expected ok, got ${JSON.stringify(answer.toString("latin1"))}`);
  }
}

function retryable(doing: string, cause: unknown): SidechannelError {
  const reason = cause instanceof DomainError ? cause.message.replace(/^sidechannel: /, "") : "EOF";
  return new SidechannelError(`${doing}: ${reason}`, { cause, retryable: true });
}

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** As Go reads it: what is no number counts as 0, what is too large as the largest. */
function parseId(text: string): bigint {
  if (!/^[+-]?\d{1,100}$/.test(text)) return 0n;
  const id = BigInt(text.replace(/^\+/, ""));
  if (id > INT64_MAX) return INT64_MAX;
  return id < INT64_MIN ? INT64_MIN : id;
}
