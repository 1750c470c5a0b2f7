import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { DiffService } from "../../proto/diff_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { printed } from "./compare.ts";
import { compareRanges } from "./range-spec.ts";

type Needs = { readonly locator: RepositoryLocator; readonly git: GitRunner };
type RawRangeDiff = Handler<typeof DiffService.method.rawRangeDiff>;

/** Compares two versions of a range of commits; streams what git prints. */
export function rawRangeDiff({ locator, git }: Needs): RawRangeDiff {
  return async function* (request, call) {
    const { directory, command } = compareRanges(locator, request, []);
    const comparison = { git, directory, gitCall: lazyGitCall(call), signal: call.signal };
    const chunks = printed(
      comparison,
      command,
      (cause) => new RpcError("unknown", cause.message, { cause, metadata: cause.metadata }),
    );
    for await (const data of chunks) yield { data };
  };
}
