import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { CorruptObjectError, ObjectNotFoundError } from "../../git/object/object-error.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { CorruptRefStoreError, UnreadableRefStoreError } from "../../git/ref/ref-store-error.ts";
import { RpcError } from "../../rpc/rpc-error.ts";

/*
 * The reference server runs git processes where this one reads by itself. What makes such a process
 * fail has to look to clients as if there had been one.
 */

/** Reads; damage on which git gives up becomes the error that clients get of its exit status. */
export function gitFailure<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw isDamage(error) ? new RpcError("unknown", "exit status 128", { cause: error }) : error;
  }
}

/** Whether git would give up because of this: the repository lacks something or is damaged. */
export function isDamage(error: unknown): boolean {
  return (
    error instanceof CorruptRefStoreError ||
    error instanceof UnreadableRefStoreError ||
    error instanceof CorruptObjectError ||
    error instanceof ObjectNotFoundError
  );
}

/** Refuses what can be no argument of a process. Takes a binary string. */
export function refuseNul(argument: string): void {
  if (!argument.includes("\0")) return;
  throw new RpcError("unknown", `detected null byte in command argument ${quoted(argument)}`);
}

/** Refuses what can be no positional argument of git. Takes a binary string. */
export function checkArgument(argument: string): void {
  refuseNul(argument);
  if (!argument.startsWith("-")) return;
  const problem = "cannot start with dash '-': invalid argument";
  throw new RpcError("unknown", `positional arg ${quoted(argument)} ${problem}`);
}

function quoted(argument: string): string {
  return quoteBytes(bytesFromBinary(argument));
}
