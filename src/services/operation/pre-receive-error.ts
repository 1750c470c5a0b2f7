import { isUtf8 } from "node:buffer";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { RefusedByHookError } from "../../hooks/change/change-errors.ts";
import { internal } from "../../rpc/rpc-error.ts";

/**
 * What a reply says of the program that has refused a change: `pre_receive_error`.
 *
 * Throws when that is no UTF-8: there is no reply then, because the protocol has a text there.
 */
export function preReceiveError({ print, reason }: RefusedByHookError): string {
  const spoken = [print.stderr, print.stdout].find((text) => text.trim() !== "") ?? "";
  if (!isUtf8(bytesFromBinary(spoken))) {
    throw internal("grpc: error while marshaling: string field contains invalid UTF-8");
  }
  return reason;
}
