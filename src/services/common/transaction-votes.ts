import { createHash } from "node:crypto";
import { DomainError } from "../../base/error/domain-error.ts";
import type { Histogram } from "../../base/metric/histogram.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import type { HookTransaction } from "../../hooks/context/push-context.ts";
import type { ReferenceVoter, VotePhase } from "../../hooks/transaction/reference-voter.ts";
import {
  RefTransaction,
  VoteTransactionRequest_Phase,
  VoteTransactionResponse_TransactionState,
} from "../../proto/transaction_pb.ts";
import type { Call } from "../../rpc/call.ts";
import { createClient } from "../../rpc/client/client.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";
import type { Backchannels } from "../../rpc/sidechannel/backchannels.ts";

/** Servers disagree, so none of them may go on. */
export class TransactionAbortedError extends DomainError {
  constructor() {
    super("unknown", "transaction was aborted");
  }
}

/** One of the servers has ended the transaction for all, which is no failure of its own. */
export class TransactionStoppedError extends DomainError {
  constructor() {
    super("unknown", "transaction was stopped");
  }
}

/**
 * Says on which vote of its own a handler has failed. That servers disagree is an internal error
 * then, as clients of the protocol expect.
 */
export function voteFailure(doing: string, error: unknown): RpcError {
  const isVerdict =
    error instanceof TransactionAbortedError || error instanceof TransactionStoppedError;
  if (isVerdict) return new RpcError("internal", `${doing}: ${error.message}`, { cause: error });
  return wrapError("internal", doing, error);
}

/** How long a server waits for the others. */
const VOTE_TIMEOUT_MS = 5 * 60_000;

const PHASES: Readonly<Record<VotePhase, VoteTransactionRequest_Phase>> = {
  preparing: VoteTransactionRequest_Phase.PREPARING_PHASE,
  prepared: VoteTransactionRequest_Phase.PREPARED_PHASE,
  committed: VoteTransactionRequest_Phase.COMMITTED_PHASE,
  synchronized: VoteTransactionRequest_Phase.SYNCHRONIZED_PHASE,
};

/** The vote that ends a call: it says nothing but that there is nothing more to vote on. */
const FINAL_VOTE = new Uint8Array(20);

interface Needs {
  readonly backchannels: Backchannels;
  readonly metrics: MetricRegistry;
  /** Upper bounds in seconds of what calls take. */
  readonly latencyBuckets: readonly number[];
}

/** Casts votes with the client that has begun a transaction, over the connection it called on. */
export class TransactionVotes implements ReferenceVoter {
  readonly #backchannels: Backchannels;
  readonly #delays: Histogram<never>;

  constructor({ backchannels, metrics, latencyBuckets }: Needs) {
    this.#backchannels = backchannels;
    this.#delays = metrics.histogram({
      name: "gitaly_hook_transaction_voting_delay_seconds",
      help: "Time between casting a vote and learning how the vote went.",
      buckets: latencyBuckets,
    });
  }

  /** The transaction that a call is part of, as its metadata tells. */
  transactionOf({ metadata, connection }: Call): HookTransaction | undefined {
    const [text] = metadata.getAll(TRANSACTION_METADATA);
    if (text === undefined) return undefined;
    return { ...parseTransaction(text), backchannelId: this.#backchannels.idOf(connection) ?? 0n };
  }

  vote(
    transaction: HookTransaction,
    content: Uint8Array,
    phase: VotePhase,
    signal: AbortSignal,
  ): Promise<void> {
    return this.voteHash(transaction, createHash("sha1").update(content).digest(), phase, signal);
  }

  /** As `vote`, for content that is given by its SHA-1. */
  voteHash(
    transaction: HookTransaction,
    hash: Uint8Array,
    phase: VotePhase,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#cast(transaction, hash, phase, signal);
  }

  async stop({ id, backchannelId }: HookTransaction, signal: AbortSignal): Promise<void> {
    await this.#client(backchannelId).stopTransaction({ transactionId: id }, { signal });
  }

  /**
   * Concludes a change that may have come to nothing on all servers: at least one vote tells that
   * it was the same nothing. A transaction that a hook has stopped needs none.
   */
  async conclude(transaction: HookTransaction, signal: AbortSignal): Promise<void> {
    try {
      await this.#cast(transaction, FINAL_VOTE, "committed", signal);
    } catch (error) {
      if (error instanceof TransactionStoppedError) return;
      throw wrapError("aborted", "final transactional vote", error);
    }
  }

  async #cast(
    { id, node, backchannelId }: HookTransaction,
    referenceUpdatesHash: Uint8Array,
    phase: VotePhase,
    signal: AbortSignal,
  ): Promise<void> {
    const client = this.#client(backchannelId);
    const beganMs = performance.now();
    const { state } = await client
      .voteTransaction(
        { transactionId: id, node, referenceUpdatesHash, phase: PHASES[phase] },
        { signal, timeoutMs: VOTE_TIMEOUT_MS },
      )
      .finally(() => this.#delays.observe({}, (performance.now() - beganMs) / 1000));
    const { COMMIT, ABORT, STOP } = VoteTransactionResponse_TransactionState;
    if (state === COMMIT) return;
    if (state === ABORT) throw new TransactionAbortedError();
    if (state === STOP) throw new TransactionStoppedError();
    throw new RpcError("unknown", "invalid transaction state");
  }

  #client(backchannelId: bigint) {
    try {
      return createClient(RefTransaction, this.#backchannels.channel(backchannelId));
    } catch (error) {
      throw wrapError("unknown", "get backchannel", error);
    }
  }
}

const TRANSACTION_METADATA = "gitaly-reference-transaction";

/** Base64 of JSON with `id`, `node` and `primary`. */
function parseTransaction(text: string): Omit<HookTransaction, "backchannelId"> {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64").toString());
    const fields: Readonly<Record<string, unknown>> = { ...Object(value) };
    const { id, node, primary } = fields;
    if (typeof id !== "number" || typeof node !== "string") throw new Error("fields are missing");
    return { id: BigInt(id), node, primary: primary === true };
  } catch (cause) {
    throw new RpcError("unknown", "from serialized: invalid transaction", { cause });
  }
}
