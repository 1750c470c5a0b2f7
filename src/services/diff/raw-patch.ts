import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { DiffService } from "../../proto/diff_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { printed } from "./compare.ts";
import { locateCompared } from "./compared-commits.ts";
import { rawOutputFailed } from "./raw-output.ts";

type Needs = { readonly locator: RepositoryLocator; readonly git: GitRunner };
type RawPatch = Handler<typeof DiffService.method.rawPatch>;

/** Streams the commits between two others as e-mails, exactly as git prints them. */
export function rawPatch({ locator, git }: Needs): RawPatch {
  return async function* (request, call) {
    const directory = locateCompared(locator, request);
    const command = {
      name: "format-patch",
      flags: ["--stdout", ["--signature", "GitLab"]],
      args: [`${request.leftCommitId}..${request.rightCommitId}`],
    } as const;
    const comparison = { git, directory, gitCall: lazyGitCall(call), signal: call.signal };
    for await (const data of printed(comparison, command, rawOutputFailed)) yield { data };
  };
}
