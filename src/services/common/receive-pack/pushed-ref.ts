import type { PushCommand } from "../../../git/receive/push-command.ts";

/** One command of a push, and what becomes of it. */
export interface PushedRef {
  readonly command: PushCommand;
  readonly isDeletion: boolean;
  /** Why it isn't carried out, in the words of the report, a binary string. */
  refusal: string | undefined;
  /** There was nothing to delete. */
  didNotExist: boolean;
  /** What is to be deleted doesn't hold an object, so it can't be compared with what is expected. */
  isCorrupt: boolean;
}

/** Refuses all that nobody has refused yet. */
export function refuseRest(refs: readonly PushedRef[], refusal: string): void {
  for (const ref of refs) ref.refusal ??= refusal;
}

export function isZero(oid: string): boolean {
  return /^0+$/.test(oid);
}
