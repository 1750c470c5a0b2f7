import type { GitFlag } from "../../gitcmd/git-command.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { HookTransaction } from "../../hooks/context/push-context.ts";
import type { VotePhase } from "../../hooks/transaction/reference-voter.ts";
import type { Call } from "../../rpc/call.ts";
import { failedPrecondition, wrapError } from "../../rpc/rpc-error.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import {
  type CreationConsent,
  createRepository as create,
} from "../../storage/repository/create-repository.ts";
import type { RepositoryCounter } from "../../storage/repository/repository-counter.ts";
import type { GitCall } from "./git-call.ts";
import { initRepository } from "./init-repository.ts";
import {
  TransactionAbortedError,
  TransactionStoppedError,
  type TransactionVotes,
} from "./transaction-votes.ts";

export interface CreateNeeds {
  readonly locator: RepositoryLocator;
  readonly git: GitRunner;
  readonly votes: TransactionVotes;
  readonly repositoryCounter: RepositoryCounter;
}

export interface Creation {
  /**
   * What `git init` is given beside `--bare --quiet`; undefined when `seed` makes the repository
   * from an empty directory by itself.
   */
  readonly initFlags: readonly GitFlag[] | undefined;
  /** Fills the new repository while it is at its temporary place. */
  readonly seed?: (temporary: LocatedRepository) => Promise<void>;
  readonly options: GitCall;
}

/**
 * Makes a repository for an RPC: it appears as a whole, when all servers of the call's transaction
 * have made the same one, or not at all.
 *
 * Errors keep their messages, so the RPC adds what it was about. What `seed` throws is thrown on.
 */
export async function createRepository(
  { locator, git, votes, repositoryCounter }: CreateNeeds,
  target: LocatedRepository,
  { initFlags, seed, options }: Creation,
  call: Call,
): Promise<void> {
  await create(locator, target, async (temporary) => {
    if (initFlags !== undefined) await initRepository(git, temporary, initFlags, options);
    await seed?.(temporary);
    call.signal.throwIfAborted();
    const transaction = votes.transactionOf(call);
    if (transaction === undefined) return undefined;
    const state = await repositoryState(git, temporary, options);
    return consent(votes, transaction, state, call.signal);
  });
  repositoryCounter.increment(target);
}

/** What servers compare: settings and references. Objects would be too many. */
async function repositoryState(
  git: GitRunner,
  repository: LocatedRepository,
  options: GitCall,
): Promise<Buffer> {
  const { path } = repository;
  const listConfig = { name: "config", verb: "list", flags: [["-f", `${path}/config`]] } as const;
  const config = await git.run(repository, listConfig, options).catch((error: unknown) => {
    throw wrapError("unknown", "vote on git config: get git config: running git config", error);
  });
  const flags = ["--format=%(refname) %(objectname) %(symref)", "--include-root-refs"];
  const refs = await git
    .run(repository, { name: "for-each-ref", flags }, options)
    .catch((error: unknown) => {
      throw wrapError("unknown", "vote on references: running for-each-ref", error);
    });
  return Buffer.concat([config.stdout, refs.stdout]);
}

function consent(
  votes: TransactionVotes,
  transaction: HookTransaction,
  state: Buffer,
  signal: AbortSignal,
): CreationConsent {
  const vote = async (phase: VotePhase, doing: string): Promise<void> => {
    try {
      await votes.vote(transaction, state, phase, signal);
    } catch (error) {
      throw refused(doing, error);
    }
  };
  return {
    prepare: async () => {
      await vote("preparing", "preparatory vote");
      await vote("prepared", "preparatory vote");
    },
    commit: () => vote("committed", "committing vote"),
  };
}

function refused(doing: string, error: unknown): unknown {
  if (error instanceof TransactionAbortedError || error instanceof TransactionStoppedError) {
    return failedPrecondition(`${doing}: ${error.message}`, { cause: error });
  }
  return wrapError("failed-precondition", doing, error);
}
