import type { TestRepository } from "./git-repository.ts";

/**
 * Makes a history with merges, equal dates and two roots. Commits and their parents:
 *
 *     0   1:0   2:1   3:2   4:3   5:3   6:4,5   7   8:6,7,2
 *
 * The branches are `main` at 8 and `side` at 5, `refs/other/root` is at 7; the tags are `light` at 4,
 * `annotated` at 2, `tree` and `blob`. Commits 1, 2, 5 and 6 have a file called `file`. Returns the
 * commits in this order.
 */
export function addBranchingHistory({ git, gitLine }: TestRepository): string[] {
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input: "content" });
  const empty = gitLine(["mktree"]);
  const full = gitLine(["mktree"], { input: `100644 blob ${blob}\tfile\n` });
  const commits: string[] = [];
  const commit = (year: number, parents: readonly number[], tree = empty, name = "A"): void => {
    const env = { GIT_COMMITTER_DATE: `${year}-01-01T01:01:01Z`, GIT_AUTHOR_NAME: name };
    const flags = parents.flatMap((parent) => ["-p", commits[parent] ?? ""]);
    const message = `commit ${commits.length}`;
    commits.push(gitLine(["commit-tree", tree, ...flags, "-m", message], { env }));
  };
  commit(2000, []);
  commit(2001, [0], full);
  commit(2001, [1], full, "Somebody Else");
  commit(2003, [2]);
  commit(2020, [3]);
  commit(2005, [3], full);
  commit(2006, [4, 5], full);
  commit(2006, []);
  commit(2007, [6, 7, 2]);
  const [, , two = "", , four = "", five = "", , root = "", tip = ""] = commits;
  git(["update-ref", "refs/heads/main", tip]);
  git(["update-ref", "refs/heads/side", five]);
  git(["update-ref", "refs/other/root", root]);
  git(["tag", "light", four]);
  git(["tag", "-m", "message", "annotated", two]);
  git(["tag", "blob", blob]);
  git(["tag", "tree", full]);
  return commits;
}
