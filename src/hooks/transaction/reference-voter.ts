import type { HookTransaction } from "../context/push-context.ts";

/** At which point of a change servers compare what they do. */
export type VotePhase = "preparing" | "prepared" | "committed" | "synchronized";

/** Casts this server's votes, so that all servers of a transaction change the same refs or none. */
export interface ReferenceVoter {
  /**
   * Waits until enough servers have cast the same vote; the vote is the SHA-1 of `content`.
   *
   * Throws an error of kind `aborted` when they disagree and of kind `failed-precondition` when the
   * transaction was stopped.
   */
  vote(
    transaction: HookTransaction,
    content: Uint8Array,
    phase: VotePhase,
    signal: AbortSignal,
  ): Promise<void>;
  /** Ends the transaction for all, so that nobody waits for this server. */
  stop(transaction: HookTransaction, signal: AbortSignal): Promise<void>;
}
