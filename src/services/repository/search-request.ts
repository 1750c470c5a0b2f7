import { invalidArgument } from "../../rpc/rpc-error.ts";

const DASH = 0x2d;

/** Checks what all searches in files have to say. */
export function checkSearch({
  query,
  ref,
}: {
  readonly query: string;
  readonly ref: Uint8Array;
}): void {
  if (query === "") throw invalidArgument("no query given");
  if (ref.length === 0) throw invalidArgument("no ref given");
  if (ref[0] === DASH) throw invalidArgument("invalid ref argument");
}
