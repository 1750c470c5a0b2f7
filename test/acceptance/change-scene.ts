import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { changeFiles } from "../../src/testing/change-files.ts";
import type { TestRepository } from "../../src/testing/git-repository.ts";

/** The commits of a repository that any change can be tried on. */
export interface ChangeScene {
  /** What all branches begin with. */
  readonly base: string;
  /** The tip of `main`. */
  readonly main: string;
  /** The tip of `topic`, which has changed another file than `main`. */
  readonly topic: string;
  /** The tip of `conflict`, which has changed the same file as `main`. */
  readonly conflict: string;
  /** The one change of `topic` as a mail. */
  readonly patch: Buffer;
  /** All of the repository. */
  readonly bundle: Buffer;
  /** An archive of custom hooks. */
  readonly hooks: Buffer;
}

const MODULE = "1".repeat(40);

/** Fills a repository with branches, tags and internal references, and gives it custom hooks. */
export function fillScene(
  repository: TestRepository,
  hooks: Readonly<Record<string, string>>,
): ChangeScene {
  const { git, path } = repository;
  const base = changeFiles(repository, {
    "a.txt": "a\n",
    "folder/b.txt": "b\n",
    sub: { mode: "160000", content: MODULE },
    ".gitmodules": `[submodule "sub"]\n\tpath = sub\n\turl = https://example.com/sub\n`,
  });
  for (const branch of ["topic", "conflict", "old"]) {
    git(["update-ref", `refs/heads/${branch}`, base]);
  }
  const main = changeFiles(repository, { "a.txt": "ours\n" });
  const onTopic = { ref: "refs/heads/topic", message: "topic\n" };
  const topic = changeFiles(repository, { "folder/b.txt": "theirs\n" }, onTopic);
  const conflict = changeFiles(repository, { "a.txt": "theirs\n" }, { ref: "refs/heads/conflict" });
  git(["update-ref", "refs/keep-around/topic", topic]);
  git(["tag", "v1", base]);
  git(["repack", "-adq"]);
  changeFiles(repository, { "new.txt": "new\n" }, { ref: "refs/heads/bundled" });
  const bundle = git(["bundle", "create", "--quiet", "-", "--all"]);
  git(["update-ref", "-d", "refs/heads/bundled"]);
  // Of no use but in comparing what is there.
  rmSync(join(path, "hooks"), { recursive: true });
  const folder = join(path, "custom_hooks");
  mkdirSync(folder);
  for (const [name, script] of Object.entries(hooks)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return {
    ...{ base, main, topic, conflict },
    patch: git(["format-patch", "--stdout", `${base}..${topic}`]),
    bundle,
    hooks: execFileSync("tar", ["-C", path, "-c", "custom_hooks"]),
  };
}

/** Copies a repository to another place. */
export function copyScene(from: string, to: string): void {
  cpSync(from, to, { recursive: true });
}
