import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestRepository } from "../../src/testing/git-repository.ts";
import { packOfOneCommit } from "./tiny-pack.ts";

for (const format of ["sha1", "sha256"] as const) {
  test(`git takes a pack of one commit that follows another (${format})`, (t) => {
    const repository = createTestRepository(t, { format });
    const blob = repository.gitLine(["hash-object", "-w", "--stdin"], { input: "content" });
    const treeText = `100644 blob ${blob}\tname\n`;
    const tree = repository.gitLine(["mktree"], { input: treeText });
    const parent = repository.gitLine(["commit-tree", tree, "-m", "first"]);
    const treeBytes = repository.git(["cat-file", "tree", parent]);
    const { commit, pack } = packOfOneCommit({ parent, tree: treeBytes, serial: 7 });
    repository.git(["index-pack", "--stdin", "--strict"], { input: pack });
    assert.equal(repository.gitLine(["rev-parse", `${commit}^`]), parent);
    assert.deepEqual(repository.gitLines(["ls-tree", "--name-only", commit]), [
      "name",
      "~bench.txt",
    ]);
    repository.git(["fsck", "--strict", commit]);
  });
}
