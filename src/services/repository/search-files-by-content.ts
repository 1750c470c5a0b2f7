import { binaryFromBytes, textFromBinary } from "../../git/ref/binary-string.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { startFailure } from "../common/start-failure.ts";
import { MatchSplitter } from "./match-splitter.ts";
import { checkSearch } from "./search-request.ts";

type Needs = { readonly locator: RepositoryLocator; readonly git: GitRunner };
type SearchFilesByContent = Handler<typeof RepositoryService.method.searchFilesByContent>;

/** Lines before and after a matching one that belong to its match. */
const CONTEXT = "2";

/** Searches the files of a revision for lines that a regular expression matches. */
export function searchFilesByContent({ locator, git }: Needs): SearchFilesByContent {
  return async function* (request, call) {
    const located = locateRepository(locator, request.repository);
    checkSearch(request);
    const context = ["--before-context", "--after-context"].map((flag) => [flag, CONTEXT] as const);
    const command = {
      name: "grep",
      flags: [
        ...["--ignore-case", "-I", "--line-number", "--null"],
        ...[...context, "--perl-regexp", ["-e", request.query] as const],
      ],
      args: [textFromBinary(binaryFromBytes(request.ref))],
    } as const;
    const splitter = new MatchSplitter();
    try {
      for await (const chunk of git.stream(located, command, gitCall(call))) {
        yield* splitter.push(chunk);
      }
    } catch (error) {
      // Finding nothing is a failure for git, as an unknown revision is; clients see no difference.
      if (!(error instanceof GitExitError)) {
        throw startFailure("internal", "cmd start failed", error);
      }
    }
    yield* splitter.end();
  };
}
