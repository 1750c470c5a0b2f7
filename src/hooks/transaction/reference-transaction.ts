import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import type { PushContext, ReferenceTransactionState } from "../context/push-context.ts";
import type { HookServices } from "../hook-services.ts";
import { hasOnlyForceDeletions } from "./force-deletions.ts";
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
  if (hasOnlyForceDeletions(binaryFromBytes(changes), objectFormat)) return;
  await voter.vote(transaction, changes, phase, signal);
}
