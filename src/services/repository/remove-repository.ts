import type { VotePhase } from "../../hooks/transaction/reference-voter.ts";
import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import {
  type RemovalStep,
  removeRepository as remove,
} from "../../storage/repository/remove-repository.ts";
import type { RepositoryCounter } from "../../storage/repository/repository-counter.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type TransactionVotes, voteFailure } from "../common/transaction-votes.ts";

interface Needs {
  readonly locator: RepositoryLocator;
  readonly votes: TransactionVotes;
  readonly repositoryCounter: RepositoryCounter;
}

type RemoveRepository = Handler<typeof RepositoryService.method.removeRepository>;

/** What servers vote on at each step, before the repository's relative path. */
const VOTES: Readonly<Record<RemovalStep, readonly [VotePhase, vote: string, doing: string]>> = {
  lock: ["preparing", "acquiring distributed lock", "vote on rename"],
  remove: ["prepared", "pre-remove", "vote on rename"],
  removed: ["committed", "post-remove", "vote on finalizing"],
};

/**
 * Removes a repository with everything in it; it is gone for other calls at once. All servers of
 * the call's transaction remove it or none.
 */
export function removeRepository({ locator, votes, repositoryCounter }: Needs): RemoveRepository {
  return async ({ repository }, call) => {
    const located: LocatedRepository = locateRepository(locator, repository);
    const transaction = votes.transactionOf(call);
    await remove(locator, located, async (step) => {
      if (transaction === undefined) return;
      const [phase, vote, doing] = VOTES[step];
      const content = Buffer.from(`${vote} ${repository?.relativePath ?? ""}`);
      try {
        await votes.vote(transaction, content, phase, call.signal);
      } catch (error) {
        throw voteFailure(doing, error);
      }
    });
    repositoryCounter.decrement(located);
    return {};
  };
}
