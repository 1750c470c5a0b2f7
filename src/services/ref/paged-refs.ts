import { RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { isDamage } from "../common/git-failure.ts";
import { type PageCutter, PageTokenNotFoundError } from "../common/pagination.ts";
import { UnshowableDateError } from "./ref-atoms.ts";

/** References in one reply. */
export const REFS_PER_REPLY = 20;

/** References for one reply. */
export interface RefBatch<Ref> {
  readonly refs: readonly Ref[];
  /** Whether there are references behind the page; told with the last batch only. */
  readonly hasNextPage: boolean;
}

/**
 * Cuts a page out of listed references and divides it among replies. When the listing fails, what
 * came before goes out first.
 *
 * @param nameOf the name that page tokens have, as a binary string
 */
export async function* pagedRefs<Ref>(
  listing: AsyncIterable<Ref>,
  page: PageCutter,
  nameOf: (ref: Ref) => string,
): AsyncGenerator<RefBatch<Ref>, void, undefined> {
  let refs: Ref[] = [];
  let hasNextPage = false;
  let failure: RpcError | undefined;
  try {
    for await (const ref of page.isEmpty ? [] : listing) {
      const step = page.step(nameOf(ref));
      if (step === "skip") continue;
      hasNextPage = step === "end";
      if (hasNextPage) break;
      if (refs.length === REFS_PER_REPLY) {
        yield { refs, hasNextPage };
        refs = [];
      }
      refs.push(ref);
    }
  } catch (error) {
    failure = listingFailure(error);
    if (failure === undefined) throw error;
  }
  page.checkToken();
  if (refs.length > 0) yield { refs, hasNextPage };
  if (failure !== undefined) throw failure;
}

/** The error that clients get when git gives up on a listing because of `error`. */
export function listingFailure(error: unknown): RpcError | undefined {
  const givesUp = isDamage(error) || error instanceof UnshowableDateError;
  return givesUp ? listingFailed(128, error) : undefined;
}

/** The error that clients get when git doesn't list references. */
export function listingFailed(exitCode: number, cause?: unknown): RpcError {
  return new RpcError("unknown", `listing failed with exit code ${exitCode}`, { cause });
}

/** Runs a listing and tells a bad page token from other failures. */
export async function* withPageToken<Reply>(
  replies: AsyncIterable<Reply>,
): AsyncGenerator<Reply, void, undefined> {
  try {
    yield* replies;
  } catch (error) {
    if (!(error instanceof PageTokenNotFoundError)) throw error;
    throw wrapError("invalid-argument", "invalid page token: sending lines", error);
  }
}
