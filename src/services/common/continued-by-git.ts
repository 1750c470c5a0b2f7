import type { FallbackReason } from "../../gitcmd/fallback-reason.ts";
import { fallbackReason } from "./tree-pairs.ts";

/**
 * Yields bytes that are made in this process and, when that can't go on, those that git prints
 * from there on. Both have to be the same.
 *
 * @param own throws an error with a `fallbackReason` to let git go on; others are thrown on
 */
export async function* bytesContinuedByGit(
  own: () => AsyncIterable<Buffer>,
  askGit: (fallback: FallbackReason) => AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  let told = 0;
  let fallback: FallbackReason;
  try {
    for await (const chunk of own()) {
      told += chunk.length;
      yield chunk;
    }
    return;
  } catch (error) {
    fallback = reasonOf(error);
  }
  for await (const chunk of askGit(fallback)) {
    if (chunk.length > told) yield chunk.subarray(told);
    told = Math.max(0, told - chunk.length);
  }
}

/** As `bytesContinuedByGit`, for anything that can be counted. */
export async function* itemsContinuedByGit<Item>(
  own: () => AsyncIterable<Item>,
  askGit: (fallback: FallbackReason) => AsyncIterable<Item>,
): AsyncGenerator<Item, void, undefined> {
  let told = 0;
  let fallback: FallbackReason;
  try {
    for await (const item of own()) {
      told++;
      yield item;
    }
    return;
  } catch (error) {
    fallback = reasonOf(error);
  }
  for await (const item of askGit(fallback)) if (--told < 0) yield item;
}

function reasonOf(error: unknown): FallbackReason {
  const reason = fallbackReason(error);
  if (reason === undefined) throw error;
  return reason;
}
