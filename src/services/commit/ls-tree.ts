import { type ListedEntry, listTree } from "../../git/object/list-tree.ts";
import { peelToTree } from "../../git/object/peel.ts";
import { canonicalMode } from "../../git/object/tree-object.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";
import { resolveRevision } from "../../git/revision/resolve-revision.ts";
import type { Revision } from "../../git/revision/revision.ts";
import { GitExitError } from "../../gitcmd/git-runner.ts";
import { refuseNul } from "../common/git-failure.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import { outputLines } from "../common/output-lines.ts";
import { quietly } from "../common/read-commit.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";

export interface LsTreeOptions {
  readonly revision: Revision;
  /** A binary string: a folder is listed when a slash ends it, else shown itself. */
  readonly path: string;
  readonly literalPathspecs: boolean;
  readonly signal: AbortSignal;
}

/**
 * Lists what stands at a path as `git ls-tree --full-name revision -- path` does, in this process
 * where it can.
 *
 * @returns undefined when git fails; what it has listed until then doesn't count
 */
export async function lsTree(
  repository: OpenedRepository,
  options: LsTreeOptions,
  needs: RevisionNeeds,
): Promise<ListedEntry[] | undefined> {
  refuseNul(options.path);
  return (
    (await quietlyAsync(() => readEntries(repository, options))) ??
    askGit(repository, options, needs)
  );
}

/** Paths in their shortest form, without anything that pathspecs may understand otherwise. */
const PLAIN_PATH = /^(?!:|\.{0,2}(?:\/|$))(?!.*\/(?:\/|\.{1,2}(?:\/|$))).*$/s;

async function readEntries(
  repository: OpenedRepository,
  { revision, path, signal }: LsTreeOptions,
): Promise<ListedEntry[] | undefined> {
  const isRoot = path === ".";
  if (!isRoot && !PLAIN_PATH.test(path)) return undefined;
  const { objects } = repository;
  const found = resolveRevision(repository, revision);
  const root = found.state === "found" ? peelToTree(objects, found.oid) : undefined;
  if (root === undefined) return undefined;
  if (isRoot) return listFolder(repository, root, "", signal);
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const tree = folder === "" ? root : findFolder(repository, root, folder);
  // What looks like a folder may be a submodule.
  if (tree === undefined) return undefined;
  const entries = await listFolder(repository, tree, folder, signal);
  const wanted = bytesFromBinary(path);
  return folder === path ? entries : entries.filter((entry) => entry.path.equals(wanted));
}

function findFolder(repository: OpenedRepository, root: Oid, folder: string): Oid | undefined {
  const found = resolveRevision(repository, `${root}:${folder}` as Revision);
  if (found.state !== "found") return undefined;
  return repository.objects.header(found.oid)?.type === "tree" ? found.oid : undefined;
}

async function listFolder(
  { objects }: OpenedRepository,
  tree: Oid,
  folder: string,
  signal: AbortSignal,
): Promise<ListedEntry[]> {
  const prefix = bytesFromBinary(folder);
  const entries: ListedEntry[] = [];
  for await (const batch of listTree(objects, tree, { signal })) {
    for (const entry of batch) {
      entries.push({ ...entry, path: Buffer.concat([prefix, entry.path]) });
    }
  }
  return entries;
}

/** Git knows best what to make of damage. */
async function quietlyAsync<Result>(
  read: () => Promise<Result | undefined>,
): Promise<Result | undefined> {
  try {
    return await read();
  } catch (error) {
    return quietly((): undefined => {
      throw error;
    });
  }
}

async function askGit(
  { located }: OpenedRepository,
  { revision, path, literalPathspecs }: LsTreeOptions,
  { git, gitCall }: RevisionNeeds,
): Promise<ListedEntry[] | undefined> {
  const command = {
    name: "ls-tree",
    flags: ["-z", "--full-name"],
    args: [textFromBinary(revision)],
    paths: [bytesFromBinary(path)],
    literalPathspecs,
  } as const;
  const entries: ListedEntry[] = [];
  const options = { ...gitCall(), fallback: "path" } as const;
  try {
    for await (const line of outputLines(git.stream(located, command, options), 0)) {
      entries.push(parseLine(line));
    }
  } catch (error) {
    if (error instanceof GitExitError) return undefined;
    throw error;
  }
  return entries;
}

function parseLine(line: string): ListedEntry {
  const [, mode = "", id = "", path = ""] = /^(\d+) \w+ (\w+)\t(.*)$/s.exec(line) ?? [];
  const oid = parseOid(id);
  if (oid === undefined) throw new TypeError("ls-tree prints what is no entry");
  return { mode: canonicalMode(Number.parseInt(mode, 8)), path: bytesFromBinary(path), oid };
}
