import type { VotePhase } from "../../hooks/transaction/reference-voter.ts";
import type { Call } from "../../rpc/call.ts";
import { type TransactionVotes, voteFailure } from "../common/transaction-votes.ts";

/** Casts a vote on `content`, saying on failure what was being done. */
export type PoolVote = (
  content: string | Uint8Array,
  phase: VotePhase,
  doing: string,
) => Promise<void>;

/** What a handler votes with by itself; does nothing when the call is no part of a transaction. */
export function poolVote(votes: TransactionVotes, call: Call): PoolVote {
  const transaction = votes.transactionOf(call);
  return async (content, phase, doing) => {
    if (transaction === undefined) return;
    try {
      await votes.vote(transaction, Buffer.from(content), phase, call.signal);
    } catch (error) {
      throw voteFailure(doing, error);
    }
  };
}
