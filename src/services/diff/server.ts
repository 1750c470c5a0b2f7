import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { DiffService } from "../../proto/diff_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { ReadNeeds } from "../common/open-repository.ts";
import { commitDelta } from "./commit-delta.ts";
import { commitDiff } from "./commit-diff.ts";
import { diffBlobs } from "./diff-blobs.ts";
import { diffStats } from "./diff-stats.ts";
import { findChangedPaths } from "./find-changed-paths.ts";
import { getPatchId } from "./get-patch-id.ts";
import { rangeDiff } from "./range-diff.ts";
import { rawDiff } from "./raw-diff.ts";
import { rawPatch } from "./raw-patch.ts";
import { rawRangeDiff } from "./raw-range-diff.ts";

interface Needs extends ReadNeeds {
  readonly git: GitRunner;
}

export function diffService(needs: Needs): ServiceRegistration {
  return serve(DiffService, {
    commitDelta: commitDelta(needs),
    commitDiff: commitDiff(needs),
    diffBlobs: diffBlobs(needs),
    diffStats: diffStats(needs),
    findChangedPaths: findChangedPaths(needs),
    getPatchID: getPatchId(needs),
    rangeDiff: rangeDiff(needs),
    rawDiff: rawDiff(needs),
    rawPatch: rawPatch(needs),
    rawRangeDiff: rawRangeDiff(needs),
  });
}
