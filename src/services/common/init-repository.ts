import { quoteText } from "../../base/text/quote-text.ts";
import type { GitFlag } from "../../gitcmd/git-command.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import type { GitCall } from "./git-call.ts";

/**
 * Makes an empty bare repository in an empty directory with `git init`.
 *
 * @throws RpcError of kind `unknown` with what git says
 */
export async function initRepository(
  git: GitRunner,
  { path }: LocatedRepository,
  initFlags: readonly GitFlag[],
  options: GitCall,
): Promise<void> {
  const flags = ["--bare", "--quiet", ...initFlags];
  try {
    await git.run(undefined, { name: "init", flags, args: [path] }, options);
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    const { message, stderr } = error;
    throw new RpcError("unknown", `creating repository: ${message}, stderr: ${quoteText(stderr)}`, {
      cause: error,
    });
  }
}
