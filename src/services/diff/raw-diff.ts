import type { DiffService } from "../../proto/diff_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { HALF_SIMILAR } from "../common/tree-pairs.ts";
import { printedAlike } from "./compare.ts";
import { type CompareNeeds, locateCompared, pairsOfCommits } from "./compared-commits.ts";
import { rawOutputFailed } from "./raw-output.ts";

type RawDiff = Handler<typeof DiffService.method.rawDiff>;

/** Streams the difference between two commits exactly as git prints it. */
export function rawDiff(needs: CompareNeeds): RawDiff {
  return async function* (request, call) {
    const directory = locateCompared(needs.locator, request);
    const args = [request.leftCommitId, request.rightCommitId];
    const command = { name: "diff", flags: ["--full-index"], args } as const;
    const { git } = needs;
    const comparison = { git, directory, gitCall: lazyGitCall(call), signal: call.signal };
    const findPairs = pairsOfCommits(needs, directory, request, HALF_SIMILAR, call);
    const own = { findPairs, raw: false, patches: true };
    for await (const data of printedAlike(comparison, command, rawOutputFailed, own)) {
      yield { data };
    }
  };
}
