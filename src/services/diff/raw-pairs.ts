import { DiffFormatError } from "../../git/diff/diff-error.ts";
import type { FileDiff } from "../../git/diff/file-diff.ts";
import {
  BoundedPatches,
  encodePairs,
  PairEntries,
  type RawPair,
} from "../../git/diff/pair-entries.ts";
import { PatchReader } from "../../git/diff/patch-reader.ts";
import { OID_HEX_LENGTH } from "../../git/oid/oid.ts";
import { binaryFromBytes, binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import {
  type ChangedPaths,
  type DiffBlobsRequest,
  ChangedPaths_Status as Status,
} from "../../proto/diff_pb.ts";
import type { Call } from "../../rpc/call.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { bytesContinuedByGit } from "../common/continued-by-git.ts";
import { lazyGitCall } from "../common/git-call.ts";
import type { ReadNeeds } from "../common/open-repository.ts";
import { startFailure } from "../common/start-failure.ts";
import { withObjectFormat } from "./compare.ts";
import { printOwnPairs } from "./own-pairs.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };

const LETTERS: Readonly<Partial<Record<Status, string>>> = {
  [Status.ADDED]: "A",
  [Status.COPIED]: "C",
  [Status.DELETED]: "D",
  [Status.MODIFIED]: "M",
  [Status.RENAMED]: "R",
  [Status.TYPE_CHANGE]: "T",
};

/** Compares pairs that are given in the raw format of git-diff, all with one git process. */
export async function* rawPairDiffs(
  needs: Needs,
  located: LocatedRepository,
  { rawInfo, patchBytesLimit }: DiffBlobsRequest,
  flags: readonly string[],
  call: Call,
): AsyncGenerator<FileDiff, void, undefined> {
  const directory = withObjectFormat(located, "detecting object format");
  const { objectFormat } = directory;
  const pairs = rawInfo.map(toPair);
  const reader = new PatchReader(
    new PairEntries(pairs, objectFormat),
    new BoundedPatches(patchBytesLimit),
  );
  const abbrev = `--abbrev=${OID_HEX_LENGTH[objectFormat]}`;
  const command = { name: "diff-pairs", flags: ["-z", abbrev, ...flags] } as const;
  const stdin = bytesFromBinary(encodePairs(pairs));
  const printed = bytesContinuedByGit(
    () => printOwnPairs(needs, located, { pairs, flags, objectFormat }, call),
    (fallback) => needs.git.stream(directory, command, { ...lazyGitCall(call)(), stdin, fallback }),
  );
  let failure: GitExitError | undefined;
  try {
    for await (const chunk of printed) yield* reader.push(chunk);
  } catch (error) {
    if (!(error instanceof GitExitError)) throw toFailure(error);
    failure = error;
  }
  // Pairs that git has printed nothing of are told before its failure.
  yield* reader.end();
  if (failure === undefined) return;
  throw new RpcError("unknown", `waiting for git-diff-pairs: ${failure.message}`, {
    cause: failure,
    metadata: failure.metadata,
  });
}

function toPair(changed: ChangedPaths): RawPair {
  const { oldMode, newMode, oldBlobId, newBlobId, status } = changed;
  const path = binaryFromBytes(changed.path);
  const oldPath = binaryFromBytes(changed.oldPath);
  return {
    oldMode,
    newMode,
    fromId: binaryFromText(oldBlobId),
    toId: binaryFromText(newBlobId),
    // Git refuses what has no letter.
    status: LETTERS[status] ?? "\0",
    fromPath: oldPath === "" ? path : oldPath,
    toPath: oldPath === "" ? "" : path,
  };
}

function toFailure(error: unknown): unknown {
  if (error instanceof DiffFormatError) {
    // The cause is lost, but clients know it that way.
    return new RpcError("unknown", "parsing diff: %!w(<nil>)", { cause: error });
  }
  return startFailure("unknown", "spawning git-diff-pairs", error);
}
