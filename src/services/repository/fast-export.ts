import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import type {
  LocatedRepository,
  RepositoryAddress,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { startFailure } from "../common/start-failure.ts";

type Needs = { readonly locator: RepositoryLocator; readonly git: GitRunner };
type FastExport = Handler<typeof RepositoryService.method.fastExport>;

/**
 * Streams everything that references reach in the format of git-fast-import.
 *
 * When git fails in the middle the stream just ends; clients of the protocol check what they got.
 */
export function fastExport({ locator, git }: Needs): FastExport {
  return async function* (request, call) {
    const located = locate(locator, request.repository);
    const command = { name: "fast-export", flags: ["--all"] } as const;
    try {
      for await (const data of git.stream(located, command, gitCall(call))) yield { data };
    } catch (error) {
      if (!(error instanceof GitExitError)) {
        throw startFailure("internal", "cmd start failed", error);
      }
    }
  };
}

/** Other than elsewhere, the repository is looked for only when git is to be started. */
function locate(
  locator: RepositoryLocator,
  address: RepositoryAddress | undefined,
): LocatedRepository {
  if (address === undefined) throw invalidArgument("repository is not set");
  try {
    return locateRepository(locator, address);
  } catch (error) {
    throw wrapError("internal", "cmd start failed: get repo path", error);
  }
}
