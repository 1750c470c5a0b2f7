import assert from "node:assert/strict";
import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createTestRepository, type TestRepository } from "../../testing/git-repository.ts";
import { isBareRepository } from "./is-bare-repository.ts";

function gitTakesForBare({ path, gitLine }: TestRepository): boolean {
  try {
    return gitLine(["--git-dir", path, "rev-parse", "--is-bare-repository"]) === "true";
  } catch {
    return false;
  }
}

test("isBareRepository agrees with git on what HEAD may hold", (t) => {
  const repository = createTestRepository(t);
  const head = join(repository.path, "HEAD");
  const cases = [
    ["ref: refs/heads/main\n", true],
    ["ref:refs/heads/main", true],
    ["ref:\t refs/", true],
    ["ref: refs/../x", true],
    ["ref: ../x", false],
    ["ref: main", false],
    ["", false],
    ["zz", false],
    [`${"A".repeat(40)}\n`, true],
    [`${"0".repeat(39)}\n`, false],
    ["0".repeat(64), true],
  ] as const;
  for (const [content, isBare] of cases) {
    writeFileSync(head, content);
    assert.equal(isBareRepository(repository.path), isBare, content);
    assert.equal(gitTakesForBare(repository), isBare, content);
  }
  for (const [target, isBare] of [
    ["refs/heads/main", true],
    ["/dev/null", false],
  ] as const) {
    rmSync(head);
    symlinkSync(target, head);
    assert.equal(isBareRepository(repository.path), isBare, target);
    assert.equal(gitTakesForBare(repository), isBare, target);
  }
});

test("isBareRepository agrees with git on what the configuration says", (t) => {
  const repository = createTestRepository(t, { refFormat: "reftable" });
  assert.equal(isBareRepository(repository.path), true);
  for (const value of ["false", "0", "yes", "1"]) {
    repository.git(["config", "core.bare", value]);
    assert.equal(isBareRepository(repository.path), gitTakesForBare(repository), value);
  }
});
