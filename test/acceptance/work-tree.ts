import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ObjectFormat } from "../../src/git/oid/oid.ts";
import { GitClient } from "./git-client.ts";

/** Makes a repository with a working tree and some history: a merge, a tag, a removed file. */
export async function makeWorkTree(folder: string, format: ObjectFormat): Promise<GitClient> {
  mkdirSync(folder);
  const git = new GitClient({ cwd: folder });
  await git.run("init", "-q", "-b", "main", `--object-format=${format}`);
  for (let index = 0; index < 5; index++) {
    writeFileSync(join(folder, `file-${index}`), `${"line\n".repeat(100 * (index + 1))}${index}\n`);
    await git.run("add", ".");
    await git.run("commit", "-q", "-m", `commit ${index}`);
  }
  await git.run("switch", "-q", "-c", "side", "HEAD~2");
  writeFileSync(join(folder, "side"), "side\n");
  await git.run("add", "side");
  await git.run("commit", "-q", "-m", "on the side");
  await git.run("switch", "-q", "main");
  await git.run("merge", "-q", "--no-edit", "side");
  await git.run("rm", "-q", "file-0");
  await git.run("commit", "-q", "-m", "remove a file");
  await git.run("tag", "-a", "-m", "version 1", "v1");
  return git;
}

/** Adds a commit to the branch that is checked out; returns its id. */
export async function addCommit(git: GitClient, message: string): Promise<string> {
  await git.run("commit", "-q", "--allow-empty", "-m", message);
  return git.run("rev-parse", "HEAD");
}
