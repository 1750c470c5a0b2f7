import type { MessageInitShape } from "@bufbuild/protobuf";
import type { FileDiff } from "../../git/diff/file-diff.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import {
  type ChangedPaths,
  DiffBlobsResponse_Status as Completeness,
  type DiffBlobsRequest,
  type DiffBlobsResponseSchema,
  DiffBlobsRequest_DiffMode as DiffMode,
  type DiffService,
  ChangedPaths_Status as Status,
  DiffBlobsRequest_WhitespaceChanges as WhitespaceChanges,
} from "../../proto/diff_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument } from "../../rpc/rpc-error.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { ReadNeeds } from "../common/open-repository.ts";
import { blobPairDiffs } from "./blob-pairs.ts";
import { patchPieces } from "./patch-pieces.ts";
import { rawPairDiffs } from "./raw-pairs.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type DiffBlobs = Handler<typeof DiffService.method.diffBlobs>;
type Reply = MessageInitShape<typeof DiffBlobsResponseSchema>;

/** Compares pairs of blobs, named by themselves or as the raw format of git-diff names them. */
export function diffBlobs(needs: Needs): DiffBlobs {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    checkRequest(request);
    const compare = request.blobPairs.length > 0 ? blobPairDiffs : rawPairDiffs;
    for await (const diff of compare(needs, located, request, flagsOf(request), call)) {
      yield* replies(diff);
    }
  };
}

function checkRequest({ blobPairs, rawInfo, whitespaceChanges }: DiffBlobsRequest): void {
  if (blobPairs.length === 0 && rawInfo.length === 0) {
    throw invalidArgument("request contains no file pairs to diff");
  }
  if (blobPairs.length > 0 && rawInfo.length > 0) {
    throw invalidArgument("blob pairs and raw info both used in request");
  }
  for (const pair of rawInfo) checkRawInfo(pair);
  if (whitespaceChanges !== WhitespaceChanges.UNSPECIFIED && blobPairs.length > 0) {
    throw invalidArgument("whitespace changes cannot be ignored when blob pairs are provided");
  }
}

function checkRawInfo({ oldBlobId, newBlobId, path, oldPath, status }: ChangedPaths): void {
  if (oldBlobId === "" || newBlobId === "") {
    throw invalidArgument("raw info entry missing blob IDs");
  }
  if (path.length === 0) throw invalidArgument("raw info entry missing path");
  const hasTwoPaths = status === Status.RENAMED || status === Status.COPIED;
  if (hasTwoPaths && oldPath.length === 0) {
    throw invalidArgument("rename/copy raw info entry missing old path");
  }
}

function flagsOf({ whitespaceChanges, diffMode }: DiffBlobsRequest): string[] {
  const flags = [];
  if (whitespaceChanges === WhitespaceChanges.IGNORE_ALL) flags.push("--ignore-all-space");
  if (whitespaceChanges === WhitespaceChanges.IGNORE) flags.push("--ignore-space-change");
  if (diffMode === DiffMode.WORD) flags.push("--word-diff=porcelain");
  return flags;
}

function* replies(diff: FileDiff): Generator<Reply> {
  let reply: Reply = {
    leftBlobId: diff.change.fromId,
    rightBlobId: diff.change.toId,
    binary: diff.binary,
    overPatchBytesLimit: diff.tooLarge,
    patchSize: diff.patchSize,
    linesAdded: diff.linesAdded,
    linesRemoved: diff.linesRemoved,
  };
  for (const { data, isLast } of patchPieces(diff.takePatch())) {
    const status = isLast ? Completeness.END_OF_PATCH : Completeness.INCOMPLETE;
    yield { ...reply, patch: data, status };
    reply = {};
  }
}
