import { quoteText } from "../../base/text/quote-text.ts";
import {
  ABBREVIATION_DIGITS_MIN,
  resolveAbbreviatedOid,
} from "../../git/object/abbreviated-oid.ts";
import type { ObjectDatabase } from "../../git/object/object-database.ts";
import { peelToCommit, peelToTree } from "../../git/object/peel.ts";
import { OID_HEX_LENGTH, type Oid, parseOid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { parseRefName } from "../../git/ref/ref-name.ts";
import type { RefReader } from "../../git/ref/ref-reader.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import type { GitCall } from "./git-call.ts";
import { quietly } from "./read-commit.ts";
import type { RepositoryReader } from "./repository-readers.ts";

/** What a revision has to lead to: tags are followed until there is an object of this type. */
export type RevisionTarget = "any" | "commit" | "tree";

/** What is needed to ask git about revisions that aren't understood here. */
export interface RevisionNeeds {
  readonly git: GitRunner;
  /** Begun only when git has to be asked. */
  readonly gitCall: () => GitCall;
}

/**
 * Finds the object that a revision names, as `git cat-file` does.
 *
 * The usual forms are resolved in this process: object ids, also abbreviated, and names of
 * references, also short ones. Git is asked about all others.
 *
 * @param revision a binary string without NUL
 * @returns undefined when there is no such object
 */
export async function resolveRevision(
  repository: RepositoryReader,
  revision: string,
  target: RevisionTarget,
  needs: RevisionNeeds,
): Promise<Oid | undefined> {
  const named = findNamed(repository, revision, target);
  if (named === "ask-git") return askGit(repository, revision, target, needs);
  return named && peel(repository.objects, named, target);
}

const PLAIN = /^(?!.*-g[0-9a-fA-F]+$)[^~^:@{}]+$/;
const SHORT_NAMES = ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"];

function findNamed(
  { refs, objects, format }: RepositoryReader,
  revision: string,
  target: RevisionTarget,
): Oid | undefined | "ask-git" {
  if (revision.length === OID_HEX_LENGTH[format]) {
    const oid = parseOid(revision.toLowerCase());
    if (oid !== undefined) return oid;
  }
  if (!PLAIN.test(revision)) return "ask-git";
  const oid = findShortName(refs, revision);
  if (oid !== undefined || revision.length < ABBREVIATION_DIGITS_MIN) return oid;
  const context = { any: "any", commit: "committish", tree: "treeish" } as const;
  const abbreviated = resolveAbbreviatedOid(objects, revision, context[target]);
  if (abbreviated.kind === "ambiguous") return "ask-git";
  return abbreviated.kind === "unique" ? abbreviated.oid : undefined;
}

/**
 * Finds what a reference's name leads to, in full or as short as git lets users write it. Whether
 * there is such an object isn't checked.
 */
export function findShortName(refs: RefReader, text: string): Oid | undefined {
  for (const prefix of SHORT_NAMES) {
    const oid = findRef(refs, prefix + text);
    if (oid !== undefined) return oid;
  }
  return findRef(refs, `refs/remotes/${text}/HEAD`);
}

function findRef(refs: RefReader, text: string): Oid | undefined {
  const name = parseRefName(text, { oneLevel: true });
  return name && refs.findOid(name);
}

function peel(objects: ObjectDatabase, oid: Oid, target: RevisionTarget): Oid | undefined {
  if (target === "any") return objects.has(oid) ? oid : undefined;
  const find = target === "tree" ? peelToTree : peelToCommit;
  return quietly(() => find(objects, oid));
}

async function askGit(
  { located }: RepositoryReader,
  revision: string,
  target: RevisionTarget,
  { git, gitCall }: RevisionNeeds,
): Promise<Oid | undefined> {
  const suffix = target === "any" ? "" : `^{${target}}`;
  const command = { name: "cat-file", flags: ["-Z", "--batch-check"] } as const;
  const stdin = bytesFromBinary(`${revision}${suffix}\0`);
  const { stdout } = await git.run(located, command, { ...gitCall(), stdin });
  const line = stdout.toString("latin1").replace(/\0$/, "");
  if (line.endsWith(" missing")) return undefined;
  const words = line.split(" ");
  if (words.length === 2 && words[1] === "submodule") return undefined;
  const oid = words.length === 3 ? parseOid(words[0] ?? "") : undefined;
  if (oid === undefined) throw new RpcError("unknown", `invalid info line: ${quoteText(line)}`);
  return oid;
}
