import { internal } from "../../rpc/rpc-error.ts";

const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Bytes, given as a binary string, as text of a message. A text can hold nothing but UTF-8: other
 * bytes are the error that Go's gRPC library makes of such a reply.
 */
export function messageText(binary: string): string {
  try {
    return STRICT.decode(Buffer.from(binary, "latin1"));
  } catch (cause) {
    const reason = "string field contains invalid UTF-8";
    throw internal(`grpc: error while marshaling: ${reason}`, { cause });
  }
}
