import type { MessageInitShape } from "@bufbuild/protobuf";
import { type ChangedPath, ChangedPathsReader } from "../../git/diff/changed-paths-reader.ts";
import { DiffFormatError } from "../../git/diff/diff-error.ts";
import type { DiffLimits } from "../../git/diff/diff-limits.ts";
import type { FileDiff } from "../../git/diff/file-diff.ts";
import type { NumStat } from "../../git/diff/numstat-reader.ts";
import { OID_HEX_LENGTH } from "../../git/oid/oid.ts";
import { binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { GitExitError } from "../../gitcmd/git-runner.ts";
import {
  type CommitDiffRequest,
  CommitDiffResponseSchema,
  CommitDiffRequest_DiffMode as DiffMode,
  type DiffService,
  CommitDiffRequest_WhitespaceChanges as WhitespaceChanges,
} from "../../proto/diff_pb.ts";
import { EncodedReply } from "../../rpc/encoded-reply.ts";
import type { EncodingHandler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { MessageWriter } from "../common/message-writer.ts";
import { startFailure } from "../common/start-failure.ts";
import { LeftToGitError } from "../common/tree-pairs.ts";
import {
  type ComparedDirectory,
  type Comparison,
  fileDiffs,
  numStats,
  withObjectFormat,
} from "./compare.ts";
import { type CompareNeeds, locateCompared, pairsOfCommits } from "./compared-commits.ts";
import { patchPieces } from "./patch-pieces.ts";

type CommitDiff = EncodingHandler<typeof DiffService.method.commitDiff>;
type OtherReply = MessageInitShape<typeof CommitDiffResponseSchema>;

/**
 * Tells which files differ between two commits, with their patches within limits. Where changes of
 * whitespace are ignored, the files without other changes come last and have no patch.
 */
export function commitDiff(needs: CompareNeeds): CommitDiff {
  return async function* (request, call) {
    const located = locateCompared(needs.locator, request);
    const directory = withObjectFormat(located, "detecting object format");
    const { git } = needs;
    const comparison = { git, directory, gitCall: lazyGitCall(call), signal: call.signal };
    const ignored = await findIgnored(comparison, request);
    try {
      const command = {
        name: "diff",
        flags: [
          "--patch",
          "--raw",
          ...commonFlags(request, directory),
          ...whitespaceFlags(request),
        ],
        args: commitsOf(request),
        paths: request.paths,
      } as const;
      const pairs = pairsOfCommits(needs, located, request, RENAME_SCORE_MIN, call);
      const findPairs = isPlain(request) ? pairs : leaveToGit;
      const own = { findPairs, raw: true, patches: true };
      const writer = new MessageWriter();
      for await (const diff of fileDiffs(comparison, command, own, limitsOf(request))) {
        const { toPath, fromId, toId } = diff.change;
        ignored.delete(keyOf(toPath, fromId, toId));
        yield* patchReplies(writer, diff);
      }
    } catch (error) {
      throw wrapError("internal", "eachDiff", error);
    }
    if (ignored.size > 0) yield* ignoredReplies(comparison, request, [...ignored.values()]);
  };
}

/** Renamed files have three parts in ten in common; see `SCORE_MAX`. */
const RENAME_SCORE_MIN = 18_000;

/** Whether lines are compared as they are. */
function isPlain({ whitespaceChanges, diffMode }: CommitDiffRequest): boolean {
  const ignoresSpace =
    whitespaceChanges === WhitespaceChanges.IGNORE ||
    whitespaceChanges === WhitespaceChanges.IGNORE_ALL;
  return !ignoresSpace && diffMode !== DiffMode.WORDDIFF;
}

function leaveToGit(): never {
  throw new LeftToGitError("options");
}

/** Encodes replies without making messages of them: there may be very many. */
function* patchReplies(
  writer: MessageWriter,
  diff: FileDiff,
): Generator<EncodedReply<typeof CommitDiffResponseSchema>> {
  const { change } = diff;
  let isFirst = true;
  for (const { data, isLast } of patchPieces(diff.takePatch())) {
    if (isFirst) {
      writer.number(15, diff.linesRemoved);
      writer.number(14, diff.linesAdded);
      writer.number(13, Number(diff.tooLarge));
      writer.number(12, Number(diff.collapsed));
      writer.number(11, Number(diff.overflowMarker));
    }
    writer.number(10, Number(isLast));
    writer.bytes(9, data);
    if (isFirst) {
      writer.number(7, Number(diff.binary));
      writer.number(6, change.newMode);
      writer.number(5, change.oldMode);
      writer.binary(4, change.toId);
      writer.binary(3, change.fromId);
      writer.binary(2, change.toPath);
      writer.binary(1, change.fromPath);
    }
    yield new EncodedReply(CommitDiffResponseSchema, writer.take());
    isFirst = false;
  }
}

function commitsOf({ leftCommitId, rightCommitId }: CommitDiffRequest): [string, string] {
  return [leftCommitId, rightCommitId];
}

function commonFlags(request: CommitDiffRequest, { objectFormat }: ComparedDirectory): string[] {
  const abbrev = `--abbrev=${OID_HEX_LENGTH[objectFormat]}`;
  const flags = ["--find-renames=30%", abbrev, "--full-index"];
  return request.diffMode === DiffMode.WORDDIFF ? [...flags, "--word-diff=porcelain"] : flags;
}

function whitespaceFlags({ whitespaceChanges }: CommitDiffRequest): string[] {
  if (whitespaceChanges === WhitespaceChanges.IGNORE_ALL) return ["--ignore-all-space"];
  return whitespaceChanges === WhitespaceChanges.IGNORE ? ["--ignore-space-change"] : [];
}

function limitsOf(request: CommitDiffRequest): DiffLimits {
  const { collapseDiffs, collectAllPaths, safeMaxFiles, safeMaxLines, safeMaxBytes } = request;
  const limits = { collapseDiffs, collectAllPaths, safeMaxFiles, safeMaxLines, safeMaxBytes };
  if (!request.enforceLimits) return limits;
  const { maxFiles, maxLines, maxBytes, maxPatchBytes } = request;
  const extensions = Object.entries(request.maxPatchBytesForFileExtension);
  return {
    ...limits,
    enforceLimits: true,
    maxFiles,
    maxLines,
    maxBytes,
    maxPatchBytes,
    maxPatchBytesForFileExtension: new Map(
      extensions.map(([extension, bytes]) => [binaryFromText(extension), bytes]),
    ),
  };
}

/**
 * Finds all files that differ, by `keyOf`, for a request that ignores changes of whitespace: git
 * doesn't tell of files that have no other changes when it is to ignore these.
 */
async function findIgnored(
  comparison: Comparison<ComparedDirectory>,
  request: CommitDiffRequest,
): Promise<Map<string, ChangedPath>> {
  const ignored = new Map<string, ChangedPath>();
  if (request.whitespaceChanges === WhitespaceChanges.UNSPECIFIED) return ignored;
  const reader = new ChangedPathsReader(false);
  const command = {
    name: "diff-tree",
    flags: ["-r", "-z", ...commonFlags(request, comparison.directory)],
    args: commitsOf(request),
    paths: request.paths,
  } as const;
  const { git, directory, gitCall } = comparison;
  try {
    for await (const chunk of git.stream(directory, command, gitCall())) {
      for (const changed of reader.push(chunk)) {
        ignored.set(keyOf(changed.path, changed.oldBlobId, changed.newBlobId), changed);
      }
    }
  } catch (error) {
    if (error instanceof DiffFormatError) throw wrapError("internal", "diff-tree parse", error);
    // What makes this fail makes the comparison of contents fail as well, and that is reported.
    if (!(error instanceof GitExitError)) {
      throw startFailure("internal", "diff-tree: diff-tree", error);
    }
  }
  return ignored;
}

/** A file with both of its contents. */
function keyOf(path: string, oldBlobId: string, newBlobId: string): string {
  return path + oldBlobId + newBlobId;
}

async function* ignoredReplies(
  comparison: Comparison,
  request: CommitDiffRequest,
  ignored: readonly ChangedPath[],
): AsyncGenerator<OtherReply> {
  const stats = new Map<string, NumStat>();
  const paths = ignored.map(({ path }) => bytesFromBinary(path));
  try {
    for await (const stat of numStats(comparison, commitsOf(request), { paths })) {
      stats.set(stat.path, stat);
    }
  } catch (error) {
    throw wrapError("internal", "numstat", error);
  }
  for (const { path, oldBlobId, newBlobId, oldMode, newMode } of ignored) {
    const { additions = 0, deletions = 0 } = stats.get(path) ?? {};
    yield {
      fromPath: bytesFromBinary(path),
      toPath: bytesFromBinary(path),
      fromId: oldBlobId,
      toId: newBlobId,
      oldMode,
      newMode,
      endOfPatch: true,
      linesAdded: additions,
      linesRemoved: deletions,
    };
  }
}
