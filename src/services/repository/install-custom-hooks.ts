import type { Call } from "../../rpc/call.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import {
  type ReplacementConsent,
  replaceCustomHooks,
} from "../../storage/custom-hooks/replace-custom-hooks.ts";
import type {
  LocatedRepository,
  RepositoryAddress,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { type OpenedStream, takeFirst } from "../common/first-request.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type TransactionVotes, voteFailure } from "../common/transaction-votes.ts";

export interface CustomHooksNeeds {
  readonly locator: RepositoryLocator;
  readonly votes: TransactionVotes;
}

/** A part of an archive; the first one tells which repository gets the hooks. */
interface Part {
  readonly repository?: RepositoryAddress | undefined;
  readonly data: Uint8Array;
}

/** Replaces a repository's own hooks, voted on when the call is part of a transaction. */
export async function installCustomHooks(
  { locator, votes }: CustomHooksNeeds,
  requests: AsyncIterable<Part>,
  call: Call,
): Promise<void> {
  const stream = await openStream(requests);
  const located = locateRepository(locator, stream.first.repository);
  try {
    await setHooks({ locator, votes }, located, archive(stream), call);
  } catch (error) {
    call.signal.throwIfAborted();
    throw wrapError("internal", "setting custom hooks", error);
  }
}

/** Replaces a repository's own hooks by those in an archive; see `replaceCustomHooks`. */
export async function setHooks(
  { locator, votes }: CustomHooksNeeds,
  located: LocatedRepository,
  archive: AsyncIterable<Uint8Array>,
  call: Call,
): Promise<void> {
  const folder = locator.temporaryFolder(located.storageName);
  await replaceCustomHooks(located, archive, folder, consentOf(votes, call), call.signal);
}

async function openStream(requests: AsyncIterable<Part>): Promise<OpenedStream<Part>> {
  try {
    return await takeFirst(requests);
  } catch (error) {
    throw wrapError("internal", "getting first request", error);
  }
}

async function* archive({ first, rest }: OpenedStream<Part>): AsyncGenerator<Uint8Array> {
  yield first.data;
  for await (const { data } of rest) yield data;
}

function consentOf(votes: TransactionVotes, call: Call): ReplacementConsent {
  const transaction = votes.transactionOf(call);
  if (transaction === undefined) {
    const nobody = (): Promise<void> => Promise.resolve();
    return { prepare: nobody, replace: nobody, replaced: nobody };
  }
  const cast = async (phase: "preparing" | "prepared" | "committed", vote: () => Promise<void>) => {
    try {
      await vote();
    } catch (error) {
      throw voteFailure(`casting ${phase} vote: vote failed`, error);
    }
  };
  const hashed = async (phase: "prepared" | "committed", hash: () => Promise<Buffer>) => {
    const vote = await hash();
    await cast(phase, () => votes.voteHash(transaction, vote, phase, call.signal));
  };
  return {
    prepare: () =>
      cast("preparing", () => {
        const content = Buffer.from("preparing set custom hooks");
        return votes.vote(transaction, content, "preparing", call.signal);
      }),
    replace: (hash) => hashed("prepared", hash),
    replaced: (hash) => hashed("committed", hash),
  };
}
