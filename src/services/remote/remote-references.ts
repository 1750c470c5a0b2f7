import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { collectGit } from "../common/collect-git.ts";
import type { GitCall } from "../common/git-call.ts";

/** A remote that git knows by name for the time of one command, through its environment. */
export interface NamedRemote {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What precedes the name that a symbolic reference stands for; the next line tells its value. */
const SYMBOLIC = "ref: ";

/**
 * Asks a remote for its branches and tags: object ids by full name, all binary strings. Symbolic
 * references are left out, they aren't ours to change.
 */
export async function remoteReferences(
  git: GitRunner,
  repository: LocatedRepository,
  { name, env }: NamedRemote,
  options: GitCall,
): Promise<Map<string, string>> {
  const args = [name, "refs/heads/*", "refs/tags/*"];
  const command = { name: "ls-remote", flags: ["--refs", "--symref"], args, env } as const;
  const { stdout, stderrBytes, failure } = await collectGit(git, repository, command, options);
  if (failure !== undefined) {
    const doing = "get remote references: create git ls-remote";
    throw wrapError("unknown", doing, said(failure.message, stderrBytes, failure));
  }
  return parseReferences(stdout.toString("latin1"));
}

/** What became of a command, and what it has said. */
export function said(message: string, stderr: Buffer, cause: unknown): RpcError {
  return new RpcError("unknown", `${message}, stderr: ${quoteBytes(stderr)}`, { cause });
}

function parseReferences(output: string): Map<string, string> {
  const references = new Map<string, string>();
  let symbolic: string | undefined;
  for (const line of output.split("\n")) {
    if (line === "") continue;
    const tab = line.indexOf("\t");
    if (tab < 0) {
      const text = quoteBytes(bytesFromBinary(line));
      throw new RpcError(
        "unknown",
        `get remote references: invalid ls-remote output line: ${text}`,
      );
    }
    const value = line.slice(0, tab);
    const refName = line.slice(tab + 1);
    if (value.startsWith(SYMBOLIC)) symbolic = refName;
    else if (refName !== symbolic) references.set(refName, value);
  }
  return references;
}
