import { quoteText } from "../../base/text/quote-text.ts";
import { objectIdProblem } from "../../git/oid/object-id-problem.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { textFromBinary } from "../../git/ref/binary-string.ts";
import { resolveRevision } from "../../git/revision/resolve-revision.ts";
import type { Revision } from "../../git/revision/revision.ts";
import { GitExitError } from "../../gitcmd/git-runner.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import { checkArgument } from "./git-failure.ts";
import type { OpenedRepository } from "./open-repository.ts";
import { quietly } from "./read-commit.ts";
import type { RevisionNeeds } from "./resolve-revision.ts";

/**
 * Finds the object that a revision names, as `git rev-parse --verify` does: an id counts as found
 * even when there is no such object, and whatever git refuses as missing.
 *
 * @param revision a binary string of any form; what can't be git's argument is refused
 * @returns undefined when it is missing
 */
export async function verifyRevision(
  repository: OpenedRepository,
  revision: string,
  needs: RevisionNeeds,
): Promise<Oid | undefined> {
  checkArgument(revision);
  // Nothing here takes a revision for an option, so whatever the request accepts will do.
  const found = quietly(() => resolveRevision(repository, revision as Revision));
  switch (found?.state) {
    case "found":
      return found.oid;
    case "unsupported":
      return askGit(repository, revision, needs);
    default:
      return undefined;
  }
}

async function askGit(
  { located, objects }: OpenedRepository,
  revision: string,
  { git, gitCall }: RevisionNeeds,
): Promise<Oid | undefined> {
  const args = [textFromBinary(revision)];
  const command = { name: "rev-parse", flags: ["--verify"], args } as const;
  try {
    const { stdout } = await git.run(located, command, { ...gitCall(), fallback: "revision" });
    const line = stdout.toString("latin1").trim();
    const oid = parseOid(line);
    if (oid !== undefined) return oid;
    const problem = objectIdProblem(line, objects.format);
    throw new RpcError("unknown", `unsupported object hash ${quoteText(line)}: ${problem}`);
  } catch (error) {
    if (error instanceof GitExitError) return undefined;
    throw error;
  }
}
