import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createTestRepository, openTestRepository } from "../../testing/git-repository.ts";
import { applyTemplate, type RepositoryTemplate, readTemplate } from "./repository-template.ts";

for (const format of ["sha1", "sha256"] as const) {
  test(`${format}: a repository made from a template is as git makes it`, (t) => {
    const path = freshRepository(t, [`--object-format=${format}`]);
    const copy = folderFor(t);
    applyTemplate(templateOf(path), copy, undefined);
    assert.deepEqual(contents(copy), contents(path));
    const repository = openTestRepository(copy, format);
    assert.equal(repository.gitLine(["rev-parse", "--show-object-format"]), format);
    assert.equal(repository.git(["fsck", "--strict"]).length, 0);
  });
}

test("HEAD may name another branch", (t) => {
  const path = freshRepository(t);
  const copy = folderFor(t);
  applyTemplate(templateOf(path), copy, "refs/heads/größer");
  assert.equal(readFileSync(join(copy, "HEAD"), "utf8"), "ref: refs/heads/größer\n");
  const repository = openTestRepository(copy, "sha1");
  assert.equal(repository.gitLine(["symbolic-ref", "HEAD"]), "refs/heads/größer");
});

test("what git doesn't make in the usual way is no template", (t) => {
  const path = freshRepository(t);
  for (let count = 0; count < 32; count += 1) mkdirSync(join(path, `more-${count}`));
  assert.equal(readTemplate(path), undefined);
  assert.equal(readTemplate(freshRepository(t, ["--ref-format=reftable"])), undefined);
});

function freshRepository(t: TestContext, flags: readonly string[] = []): string {
  const path = folderFor(t);
  createTestRepository(t).git(["init", "--quiet", "--bare", "--template=", ...flags, path]);
  return path;
}

function templateOf(path: string): RepositoryTemplate {
  const template = readTemplate(path);
  assert(template !== undefined);
  return template;
}

function contents(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const path = join(root, name);
      const stats = statSync(path);
      const content = stats.isFile() ? readFileSync(path, "latin1") : "folder";
      return `${name} ${stats.mode.toString(8)} ${content}`;
    });
}

function folderFor(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "gitaly-ts-test-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
