import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { DiffService } from "../../proto/diff_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { gitCall } from "../common/git-call.ts";
import { printed } from "./compare.ts";
import { locateCompared } from "./compared-commits.ts";
import { rawOutputFailed } from "./raw-output.ts";

type Needs = { readonly locator: RepositoryLocator; readonly git: GitRunner };
type RawDiff = Handler<typeof DiffService.method.rawDiff>;

/** Streams the difference between two commits exactly as git prints it. */
export function rawDiff({ locator, git }: Needs): RawDiff {
  return async function* (request, call) {
    const directory = locateCompared(locator, request);
    const args = [request.leftCommitId, request.rightCommitId];
    const command = { name: "diff", flags: ["--full-index"], args } as const;
    const comparison = { git, directory, gitCall: gitCall(call) };
    for await (const data of printed(comparison, command, rawOutputFailed)) yield { data };
  };
}
