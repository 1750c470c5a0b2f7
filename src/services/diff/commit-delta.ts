import type { MessageInitShape } from "@bufbuild/protobuf";
import type { FileDiff } from "../../git/diff/file-diff.ts";
import { OID_HEX_LENGTH } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { CommitDeltaSchema, DiffService } from "../../proto/diff_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { HALF_SIMILAR } from "../common/tree-pairs.ts";
import { fileDiffs, withObjectFormat } from "./compare.ts";
import { type CompareNeeds, locateCompared, pairsOfCommits } from "./compared-commits.ts";
import { REPLY_BYTES } from "./patch-pieces.ts";

type CommitDelta = Handler<typeof DiffService.method.commitDelta>;
type Delta = MessageInitShape<typeof CommitDeltaSchema>;

/** Modes have four bytes each, whatever the encoding makes of them. */
const MODES_BYTES = 8;

/** Tells which files differ between two commits, renames included, without their patches. */
export function commitDelta(needs: CompareNeeds): CommitDelta {
  return async function* (request, call) {
    const located = locateCompared(needs.locator, request);
    const directory = withObjectFormat(located, "detecting object hash");
    const abbrev = `--abbrev=${OID_HEX_LENGTH[directory.objectFormat]}`;
    const command = {
      name: "diff",
      flags: ["--raw", abbrev, "--full-index", "--find-renames"],
      args: [request.leftCommitId, request.rightCommitId],
      paths: request.paths,
    } as const;
    let deltas: Delta[] = [];
    let bytes = 0;
    const { git } = needs;
    const { signal } = call;
    const findPairs = pairsOfCommits(needs, located, request, HALF_SIMILAR, call);
    const comparison = { git, directory, gitCall: lazyGitCall(call), signal };
    const own = { findPairs, raw: true, patches: false };
    for await (const { change } of fileDiffs(comparison, command, own)) {
      deltas.push(toDelta(change));
      bytes += sizeOf(change);
      if (bytes <= REPLY_BYTES) continue;
      yield { deltas };
      deltas = [];
      bytes = 0;
    }
    if (deltas.length > 0) yield { deltas };
  };
}

function toDelta({ fromPath, toPath, ...change }: FileDiff["change"]): Delta {
  return { ...change, fromPath: bytesFromBinary(fromPath), toPath: bytesFromBinary(toPath) };
}

function sizeOf({ fromId, toId, fromPath, toPath }: FileDiff["change"]): number {
  return fromId.length + toId.length + MODES_BYTES + fromPath.length + toPath.length;
}
