import type { MessageInitShape } from "@bufbuild/protobuf";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { DiffService, DiffStatsSchema } from "../../proto/diff_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { HALF_SIMILAR } from "../common/tree-pairs.ts";
import { numStatsAlike } from "./compare.ts";
import { type CompareNeeds, locateCompared, pairsOfCommits } from "./compared-commits.ts";

type DiffStats = Handler<typeof DiffService.method.diffStats>;

/** Files in one reply. */
const STATS_PER_REPLY = 1000;

/** Counts the lines that have changed in each file between two commits. */
export function diffStats(needs: CompareNeeds): DiffStats {
  return async function* (request, call) {
    const directory = locateCompared(needs.locator, request);
    const commits = [request.leftCommitId, request.rightCommitId] as const;
    let stats: MessageInitShape<typeof DiffStatsSchema>[] = [];
    const { git } = needs;
    const comparison = { git, directory, gitCall: lazyGitCall(call), signal: call.signal };
    const findPairs = pairsOfCommits(needs, directory, request, HALF_SIMILAR, call);
    for await (const stat of numStatsAlike(comparison, commits, findPairs)) {
      const { additions, deletions } = stat;
      const path = bytesFromBinary(stat.path);
      stats.push({ additions, deletions, path, oldPath: bytesFromBinary(stat.oldPath) });
      if (stats.length < STATS_PER_REPLY) continue;
      yield { stats };
      stats = [];
    }
    if (stats.length > 0) yield { stats };
  };
}
