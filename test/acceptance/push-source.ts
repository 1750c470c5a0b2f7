import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ObjectFormat } from "../../src/git/oid/oid.ts";
import { GitClient } from "./git-client.ts";

/**
 * Makes a work tree `FORMAT` with much to push, and beside it `FORMAT.git`, a bare repository with a
 * part of it.
 *
 * On the server are `main`, `old` (its parent), `dir/sub`, `loose` and the tag `t0`. Not there are
 * `next` (on top of main), `fork` (beside it), `merged`, `many` (more objects than are unpacked),
 * `thin` (changes a large file), the tags `v1`, `nested`, `tree-tag`, `blob-tag`, and commits that
 * fsck finds fault with: `bad-date`, `bad-zone`, `twice`, `dot-git`, `no-email`, `modules`.
 */
export async function makePushSource(folder: string, format: ObjectFormat): Promise<void> {
  const path = join(folder, format);
  mkdirSync(path);
  const git = new GitClient({ cwd: path });
  await git.run("init", "-q", "-b", "main", `--object-format=${format}`);
  const commit = async (name: string, content: string): Promise<void> => {
    writeFileSync(join(path, name), content);
    await git.run("add", name);
    await git.run("commit", "-q", "-m", name);
  };
  const lines = Array.from({ length: 2000 }, (_, index) => `line ${index}`).join("\n");
  await commit("large", lines);
  await commit("one", "one\n");
  await git.run("tag", "t0");
  await publish(git, folder, format);
  await commit("two", "two\n");
  await git.run("branch", "next");
  await commit("large", lines.replace("line 7\n", "line seven\n"));
  await git.run("branch", "thin");
  for (const [branch, count] of [
    ["fork", 1],
    ["many", 45],
  ] as const) {
    await git.run("switch", "-q", "-c", branch, "t0~1");
    for (let index = 0; index < count; index++) await commit(`${branch}-${index}`, `${index}\n`);
  }
  await git.run("switch", "-q", "-c", "merged", "next");
  await git.run("merge", "-q", "--no-edit", "fork");
  await git.run("switch", "-q", "main");
  await git.run("reset", "-q", "--hard", "t0");
  await tag(git);
  await spoil(git, path);
}

async function publish(git: GitClient, folder: string, format: ObjectFormat): Promise<void> {
  const bare = join(folder, `${format}.git`);
  await git.run("init", "-q", "--bare", "-b", "main", `--object-format=${format}`, bare);
  const served = ["main:main", "main~1:old", "main:dir/sub", "t0"];
  await git.run("push", "-q", bare, ...served.map((ref) => ref.replace(":", ":refs/heads/")));
  const there = new GitClient({ cwd: bare });
  await there.run("pack-refs", "--all");
  await there.run("update-ref", "refs/heads/loose", "main");
}

async function tag(git: GitClient): Promise<void> {
  await git.run("tag", "-a", "-m", "first", "v1", "next");
  await git.run("tag", "-a", "-m", "nested", "nested", "v1");
  await git.run("tag", "tree-tag", "thin^{tree}");
  await git.run("tag", "blob-tag", "thin:large");
}

/** Writes commits and trees that git itself would not write. */
async function spoil(git: GitClient, path: string): Promise<void> {
  const tree = await git.run("rev-parse", "main^{tree}");
  const parent = await git.run("rev-parse", "main");
  const write = async (type: string, content: string | Buffer): Promise<string> => {
    writeFileSync(join(path, "raw"), content);
    return git.run("hash-object", "--literally", "-w", "-t", type, "raw");
  };
  const good = "A <a@example.com>";
  const odd: readonly (readonly [string, string])[] = [
    ["bad-date", `${good} 99999999999999999999 +0000`],
    ["bad-zone", `${good} 1313584730 +051800`],
    ["no-email", "A 1313584730 +0000"],
    ["no-space", "A<a@example.com> 1313584730 +0000"],
  ];
  for (const [branch, author] of odd) {
    const text = `tree ${tree}\nparent ${parent}\nauthor ${author}\ncommitter ${author}\n\nodd\n`;
    await git.run("branch", branch, await write("commit", text));
  }
  const blob = await git.run("hash-object", "-w", "large");
  const entry = (mode: string, name: string): Buffer =>
    Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(blob, "hex")]);
  const trees: readonly (readonly [string, readonly Buffer[]])[] = [
    ["twice", [entry("100644", "a"), entry("100644", "a")]],
    ["dot-git", [entry("100644", ".git")]],
    ["zero-mode", [entry("0100644", "a")]],
    ["unsorted", [entry("100644", "b"), entry("100644", "a")]],
  ];
  for (const [branch, entries] of trees) {
    const oid = await write("tree", Buffer.concat(entries));
    const commit = await git.run("commit-tree", "-p", parent, "-m", branch, oid);
    await git.run("branch", branch, commit);
  }
}
