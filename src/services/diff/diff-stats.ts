import type { MessageInitShape } from "@bufbuild/protobuf";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { DiffService, DiffStatsSchema } from "../../proto/diff_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { gitCall } from "../common/git-call.ts";
import { numStats } from "./compare.ts";
import { locateCompared } from "./compared-commits.ts";

type Needs = { readonly locator: RepositoryLocator; readonly git: GitRunner };
type DiffStats = Handler<typeof DiffService.method.diffStats>;

/** Files in one reply. */
const STATS_PER_REPLY = 1000;

/** Counts the lines that have changed in each file between two commits. */
export function diffStats({ locator, git }: Needs): DiffStats {
  return async function* (request, call) {
    const directory = locateCompared(locator, request);
    const commits = [request.leftCommitId, request.rightCommitId] as const;
    let stats: MessageInitShape<typeof DiffStatsSchema>[] = [];
    for await (const stat of numStats({ git, directory, gitCall: gitCall(call) }, commits)) {
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
