import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { CorruptObjectError } from "../../git/object/object-error.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { CorruptRefStoreError, UnreadableRefStoreError } from "../../git/ref/ref-store-error.ts";
import { RpcError } from "../../rpc/rpc-error.ts";

/**
 * Reads where the reference server runs a git process: damage on which that would give up with a
 * status of 128 becomes the error that its clients get.
 */
export function gitFailure<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw isDamage(error) ? new RpcError("unknown", "exit status 128", { cause: error }) : error;
  }
}

function isDamage(error: unknown): boolean {
  return (
    error instanceof CorruptRefStoreError ||
    error instanceof UnreadableRefStoreError ||
    error instanceof CorruptObjectError
  );
}

/** Refuses what can be no argument of a process. Takes a binary string. */
export function refuseNul(argument: string): void {
  if (!argument.includes("\0")) return;
  const quoted = quoteBytes(bytesFromBinary(argument));
  throw new RpcError("unknown", `detected null byte in command argument ${quoted}`);
}
