import type { MessageInitShape } from "@bufbuild/protobuf";
import { DiffFormatError } from "../../git/diff/diff-error.ts";
import {
  type CommitPair,
  type PairComparison,
  RangeDiffReader,
} from "../../git/diff/range-diff-reader.ts";
import type { GitExitError, GitRunner } from "../../gitcmd/git-runner.ts";
import {
  RangeDiffResponse_Comparator as Comparator,
  type DiffService,
  type RangeDiffResponseSchema,
} from "../../proto/diff_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition, internal } from "../../rpc/rpc-error.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { messageText } from "../common/message-text.ts";
import { type Comparison, printed } from "./compare.ts";
import { patchPieces } from "./patch-pieces.ts";
import { compareRanges, type RangeComparison } from "./range-spec.ts";

type Needs = { readonly locator: RepositoryLocator; readonly git: GitRunner };
type RangeDiff = Handler<typeof DiffService.method.rangeDiff>;
type Reply = MessageInitShape<typeof RangeDiffResponseSchema>;

const COMPARATORS: Readonly<Record<PairComparison, Comparator>> = {
  "=": Comparator.EQUAL_UNSPECIFIED,
  ">": Comparator.GREATER_THAN,
  "<": Comparator.LESS_THAN,
  "!": Comparator.NOT_EQUAL,
};

/** Compares two versions of a range of commits: which ones correspond, and what differs in them. */
export function rangeDiff({ locator, git }: Needs): RangeDiff {
  return async function* (request, call) {
    const { directory, command } = compareRanges(locator, request, ["--no-color"]);
    const comparison = { git, directory, gitCall: lazyGitCall(call), signal: call.signal };
    for await (const pair of commitPairs(comparison, command)) yield* pairReplies(pair);
  };
}

async function* commitPairs(
  comparison: Comparison,
  command: RangeComparison["command"],
): AsyncGenerator<CommitPair, void, undefined> {
  const reader = new RangeDiffReader();
  try {
    for await (const chunk of printed(comparison, command, comparisonFailed)) {
      yield* reader.push(chunk);
    }
    yield* reader.end();
  } catch (error) {
    if (!(error instanceof DiffFormatError)) throw error;
    throw internal(`RangeDiff: parse failure: ${error.message}`, { cause: error });
  }
}

function comparisonFailed(cause: GitExitError): Error {
  const { message, metadata } = cause;
  return failedPrecondition(`RangeDiff: ${message}`, { cause, metadata });
}

function* pairReplies({
  fromCommit,
  toCommit,
  comparison,
  title,
  patch,
}: CommitPair): Generator<Reply> {
  let reply: Reply = {
    fromCommitId: fromCommit,
    toCommitId: toCommit,
    comparison: COMPARATORS[comparison],
    commitMessageTitle: messageText(title),
  };
  for (const { data, isLast } of patchPieces(patch)) {
    yield { ...reply, patchData: data, endOfPatch: isLast };
    reply = {};
  }
}
