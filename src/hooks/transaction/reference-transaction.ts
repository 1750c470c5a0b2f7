import { type ObjectFormat, zeroOid } from "../../git/oid/oid.ts";
import type { PushContext, ReferenceTransactionState } from "../context/push-context.ts";
import type { HookServices } from "../hook-services.ts";
import type { VotePhase } from "./reference-voter.ts";

/** At which steps of git's transaction servers vote. */
const PHASES: Readonly<Partial<Record<ReferenceTransactionState, VotePhase>>> = {
  preparing: "preparing",
  prepared: "prepared",
  committed: "committed",
};

/** Votes on a transaction of refs, when it is part of one over several servers. */
export async function referenceTransaction(
  { voter }: HookServices,
  { transaction, objectFormat }: PushContext,
  state: ReferenceTransactionState,
  changes: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const phase = PHASES[state];
  if (phase === undefined || transaction === undefined || voter === undefined) return;
  // Git cleans packed-refs up in a transaction of its own before it deletes refs. Servers differ in
  // which refs are packed, so that one can't be voted on; the deletion itself is.
  if (deletesUnconditionally(changes, objectFormat)) return;
  await voter.vote(transaction, changes, phase, signal);
}

function deletesUnconditionally(changes: Uint8Array, format: ObjectFormat): boolean {
  const zero = zeroOid(format);
  const lines = Buffer.from(changes).toString("latin1").split("\n");
  return lines.every((line) => line === "" || line.startsWith(`${zero} ${zero} `));
}
