import { existsSync } from "node:fs";
import { join } from "node:path";
import type { PlainGit } from "../process/plain-git.ts";
import { SeededRandom } from "./seeded-random.ts";

/** What requests are made from: names and ids that the repository has, chosen by a fixed seed. */
export interface RepositoryFacts {
  readonly path: string;
  /** How it is stored, for the report. */
  readonly description: string;
  /** Full name of the branch that HEAD points to. */
  readonly defaultBranch: string;
  readonly tip: string;
  /** The bytes of the tip's tree. */
  readonly tipTree: Buffer;
  /** Full names. */
  readonly branches: readonly string[];
  readonly tags: readonly string[];
  /** Commits from all over the history of the default branch. */
  readonly commits: readonly string[];
  /** Commits on the main line, and the ones `DIFF_DISTANCE` before them. */
  readonly pairs: readonly CommitPair[];
  /** Files of at most `SMALL_BLOB_BYTES` in some of the commits. */
  readonly blobs: readonly TreeItem[];
  readonly folders: readonly TreeItem[];
  /** Commits of which each pair can be merged without a conflict. */
  readonly merges: readonly CommitPair[];
  /** Paths of files at the tip. */
  readonly tipPaths: readonly string[];
}

export interface CommitPair {
  readonly left: string;
  readonly right: string;
}

export interface TreeItem {
  readonly commit: string;
  readonly path: string;
  readonly oid: string;
}

const COMMITS = 2000;
const PAIRS = 500;
const TREES = 60;
const ITEMS_A_TREE = 30;
const MERGES = 12;
const MERGES_TRIED_MAX = 50;
const DIFF_DISTANCE = 5;
const SMALL_BLOB_BYTES = 64 * 1024;

/** Reads a repository with git. */
export function readFacts(git: PlainGit, path: string): RepositoryFacts {
  const inside = ["-C", path];
  const random = new SeededRandom(1);
  const defaultBranch = git.text([...inside, "symbolic-ref", "HEAD"]);
  const history = git.lines([...inside, "rev-list", "HEAD"]);
  const [tip = ""] = history;
  const mainLine = git.lines([...inside, "rev-list", "--first-parent", "HEAD"]);
  const commits = sample(history, COMMITS, random);
  const names = (pattern: string): string[] =>
    git.lines([...inside, "for-each-ref", REF_FORMAT, pattern]);
  const branches = names("refs/heads/");
  const tags = names("refs/tags/");
  const items = commits.slice(0, TREES).flatMap((commit) => readTree(git, path, commit, random));
  return {
    path,
    description: describe(path, history.length, branches.length, tags.length),
    defaultBranch,
    tip,
    tipTree: git.bytes([...inside, "cat-file", "tree", "HEAD"]),
    branches,
    tags,
    commits,
    pairs: pairsOf(mainLine, random),
    merges: findMerges(git, { path, tip, branches }),
    blobs: items.filter(({ isFolder }) => !isFolder),
    folders: items.filter(({ isFolder }) => isFolder),
    tipPaths: sample(git.lines([...inside, "ls-tree", "-r", "--name-only", "HEAD"]), 500, random),
  };
}

interface Item extends TreeItem {
  readonly isFolder: boolean;
}

function readTree(git: PlainGit, path: string, commit: string, random: SeededRandom): Item[] {
  const rows = git.lines(["-C", path, "ls-tree", "-r", "-t", "-l", commit]);
  const items: Item[] = [];
  for (const row of rows) {
    const match = /^\d+ (tree|blob) ([0-9a-f]+) +(-|\d+)\t([^"].*)$/.exec(row);
    const [, type, oid = "", size, name = ""] = match ?? [];
    if (type === "tree") items.push({ commit, path: name, oid, isFolder: true });
    else if (type === "blob" && Number(size) <= SMALL_BLOB_BYTES && Number(size) > 0) {
      items.push({ commit, path: name, oid, isFolder: false });
    }
  }
  const folders = items.filter(({ isFolder }) => isFolder);
  const files = items.filter(({ isFolder }) => !isFolder);
  return [...sample(folders, ITEMS_A_TREE, random), ...sample(files, ITEMS_A_TREE, random)];
}

/**
 * What was merged last, if both sides had commits of their own and no conflict. Where there is no
 * such merge, branches that are behind the default one.
 */
function findMerges(
  git: PlainGit,
  { path, tip, branches }: { path: string; tip: string; branches: readonly string[] },
): CommitPair[] {
  const inside = ["-C", path];
  const flags = ["--merges", "--max-parents=2", "--parents", `-${MERGES_TRIED_MAX}`];
  const found: CommitPair[] = [];
  for (const row of git.lines([...inside, "rev-list", ...flags, "HEAD"])) {
    const [, left = "", right = ""] = row.split(" ");
    if (found.length < MERGES && merges(git, path, left, right)) found.push({ left, right });
  }
  if (found.length > 0) return found;
  const merged = new Set(git.lines([...inside, "for-each-ref", "--merged=HEAD", REF_FORMAT]));
  return branches.flatMap((name) => {
    if (!merged.has(name)) return [];
    const left = git.text([...inside, "rev-parse", name]);
    return left === tip ? [] : [{ left, right: tip }];
  });
}

const REF_FORMAT = "--format=%(refname)";

function merges(git: PlainGit, path: string, left: string, right: string): boolean {
  const base = git.text(["-C", path, "merge-base", left, right]);
  if (base === left || base === right) return false;
  return git.succeeds(path, ["merge-tree", "--write-tree", left, right]);
}

function pairsOf(mainLine: readonly string[], random: SeededRandom): CommitPair[] {
  const count = mainLine.length - DIFF_DISTANCE;
  if (count <= 0) return [];
  return Array.from({ length: PAIRS }, () => {
    const at = random.below(count);
    return { left: mainLine[at + DIFF_DISTANCE] ?? "", right: mainLine[at] ?? "" };
  });
}

function sample<T>(items: readonly T[], count: number, random: SeededRandom): T[] {
  if (items.length === 0) return [];
  return Array.from({ length: count }, () => random.pick(items));
}

function describe(path: string, commits: number, branches: number, tags: number): string {
  const has = (name: string): boolean => existsSync(join(path, name));
  const graph = has("objects/info/commit-graph") || has("objects/info/commit-graphs");
  return (
    `${commits} commits, ${branches} branches, ${tags} tags, ` +
    `${graph ? "with" : "without"} commit-graph`
  );
}
