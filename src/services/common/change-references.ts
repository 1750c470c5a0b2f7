import type { RepositoryCache } from "../../git/repository/repository-cache.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { voteOn } from "../../hooks/transaction/voting-ref-transaction.ts";
import type { Call } from "../../rpc/call.ts";
import type { RefTransaction } from "../../storage/ref-update/ref-transaction.ts";
import { startRefTransaction } from "../../storage/ref-update/start-ref-transaction.ts";
import { type GitCall, gitCall } from "./git-call.ts";
import type { OpenedRepository } from "./open-repository.ts";
import type { TransactionVotes } from "./transaction-votes.ts";

export interface ReferenceChangeNeeds {
  readonly git: GitRunner;
  readonly repositories: RepositoryCache;
  readonly votes: TransactionVotes;
}

export interface ReferenceChangeOptions {
  /** Changes a symbolic reference itself, not the one that it leads to. Default false. */
  readonly noDeref?: boolean;
  /** False when the caller votes by itself. Default true. */
  readonly votes?: boolean;
  /** For handlers that run git as well: theirs. */
  readonly git?: GitCall;
}

/**
 * Starts to change references of a call's repository: all of the changes or none, voted on when
 * the call is part of a transaction over several servers. The only way in which services do it.
 */
export async function startReferenceChange(
  needs: ReferenceChangeNeeds,
  { located, objects, refs }: Pick<OpenedRepository, "located" | "objects" | "refs">,
  call: Call,
  options: ReferenceChangeOptions = {},
): Promise<RefTransaction> {
  const { noDeref = false, git = gitCall(call) } = options;
  const objectFormat = objects.format;
  const transaction = options.votes === false ? undefined : needs.votes.transactionOf(call);
  const changeOptions = { ...git, objectFormat, noDeref };
  const change = await startRefTransaction(needs, located, changeOptions);
  if (transaction === undefined) return change;
  return voteOn(change, {
    voter: needs.votes,
    transaction,
    refs,
    objectFormat,
    noDeref,
    signal: git.signal,
  });
}
