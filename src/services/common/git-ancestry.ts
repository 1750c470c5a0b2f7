import { quoteBytes } from "../../base/text/quote-bytes.ts";
import type { Oid } from "../../git/oid/oid.ts";
import type { GitDirectory } from "../../gitcmd/git-directory.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import { collectGit } from "./collect-git.ts";
import type { GitCall } from "./git-call.ts";
import { isDamage } from "./git-failure.ts";
import type { OpenedRepository } from "./open-repository.ts";

/**
 * Whether a commit is part of another one's history. When something on the way is missing or
 * damaged, git says what.
 *
 * @throws RpcError of kind `unknown`
 */
export async function isAncestorAlike(
  git: GitRunner,
  { located, history }: Pick<OpenedRepository, "located" | "history">,
  commits: readonly [ancestor: Oid, child: Oid],
  options: GitCall,
): Promise<boolean> {
  try {
    return await history.isAncestor(...commits, options.signal);
  } catch (error) {
    if (!isDamage(error)) throw error;
    const [ancestor, child] = commits;
    return askAncestry(git, located, [Buffer.from(ancestor), Buffer.from(child)], options);
  }
}

/**
 * Asks git whether a commit is part of another one's history: for its words, where that can't be
 * told. Revisions are bytes.
 *
 * @throws RpcError of kind `unknown`
 */
export async function askAncestry(
  git: GitRunner,
  repository: GitDirectory,
  revisions: readonly [ancestor: Buffer, child: Buffer],
  options: GitCall,
): Promise<boolean> {
  const command = { name: "merge-base", flags: ["--is-ancestor"], args: revisions } as const;
  const { failure, stderrBytes } = await collectGit(git, repository, command, options);
  if (failure === undefined) return true;
  if (failure.exitCode === 1) return false;
  const said = `${failure.message}, stderr: ${quoteBytes(stderrBytes)}`;
  throw new RpcError("unknown", `determine ancestry: ${said}`, { cause: failure });
}
