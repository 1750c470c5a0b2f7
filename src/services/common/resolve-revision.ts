import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { resolveRevision } from "../../git/revision/resolve-revision.ts";
import type { Revision } from "../../git/revision/revision.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { invalidArgument, RpcError } from "../../rpc/rpc-error.ts";
import type { GitCall } from "./git-call.ts";
import type { OpenedRepository } from "./open-repository.ts";
import { quietly } from "./read-commit.ts";

/** What is needed to ask git about revisions that aren't understood here. */
export interface RevisionNeeds {
  readonly git: GitRunner;
  /** Begun only when git has to be asked. */
  readonly gitCall: () => GitCall;
}

/**
 * Finds the object that a revision names, as `git cat-file` does: an id counts as found even when
 * there is no such object, and a revision that can't be followed as missing.
 *
 * @param revision a binary string of any form
 * @returns undefined when it is missing
 */
export async function findObject(
  repository: OpenedRepository,
  revision: string,
  needs: RevisionNeeds,
): Promise<Oid | undefined> {
  if (revision.includes("\0")) throw invalidArgument("revision must not contain NUL bytes");
  // Nothing here takes a revision for an option, so whatever the request accepts will do.
  const found = quietly(() => resolveRevision(repository, revision as Revision));
  switch (found?.state) {
    case "found":
      return found.oid;
    case "ambiguous":
      throw strangeAnswer(`${revision} ambiguous`);
    case "unsupported":
      return askGit(repository, revision, needs);
    default:
      return undefined;
  }
}

async function askGit(
  { located }: OpenedRepository,
  revision: string,
  { git, gitCall }: RevisionNeeds,
): Promise<Oid | undefined> {
  const command = { name: "cat-file", flags: ["-Z", "--batch-check"] } as const;
  const stdin = bytesFromBinary(`${revision}\0`);
  const { stdout } = await git.run(located, command, { ...gitCall(), stdin, fallback: "revision" });
  const line = stdout.toString("latin1").replace(/\0$/, "");
  if (line.endsWith(" missing")) return undefined;
  const words = line.split(" ");
  if (words.length === 2 && words[1] === "submodule") return undefined;
  const oid = words.length === 3 ? parseOid(words[0] ?? "") : undefined;
  if (oid === undefined) throw strangeAnswer(line);
  return oid;
}

function strangeAnswer(line: string): RpcError {
  return new RpcError("unknown", `invalid info line: ${quoteBytes(bytesFromBinary(line))}`);
}
