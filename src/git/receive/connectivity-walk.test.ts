import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createTestRepository, type TestRepository } from "../../testing/git-repository.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { type Oid, parseOid } from "../oid/oid.ts";
import { HiddenRefs } from "../ref/hidden-refs.ts";
import { RepositoryCache } from "../repository/repository-cache.ts";
import { isConnected } from "./connectivity-walk.ts";
import { KnownHistory } from "./known-history.ts";

function setUp(t: TestContext, format: "sha1" | "sha256" = "sha1") {
  const repository = createTestRepository(t, { format });
  const cache = new RepositoryCache();
  t.after(() => cache.close());
  return {
    repository,
    check: async (tips: readonly string[], hidden: readonly string[] = []): Promise<boolean> => {
      const opened = cache.open(repository.path);
      const known = new KnownHistory(opened, [], new HiddenRefs(hidden), t.signal);
      return isConnected(opened.objects, tips.map(oid), known, t.signal);
    },
  };
}

function oid(text: string): Oid {
  const parsed = parseOid(text);
  assert.ok(parsed !== undefined);
  return parsed;
}

function remove({ path }: TestRepository, id: string): void {
  rmSync(join(path, "objects", id.slice(0, 2), id.slice(2)));
}

for (const format of ["sha1", "sha256"] as const) {
  test(`what references lead to is connected, ${format}`, async (t) => {
    const { repository, check } = setUp(t, format);
    const one = writeCommit(repository, { ref: "refs/heads/main" });
    assert.equal(await check([one]), true);
    repository.git(["tag", "-a", "-m", "x", "v1", one]);
    const tag = repository.gitLine(["rev-parse", "v1"]);
    assert.equal(await check([tag, one, tag]), true);
    const blob = repository.gitLine(["rev-parse", `${one}:file`]);
    assert.equal(await check([blob, repository.gitLine(["rev-parse", `${one}^{tree}`])]), true);
  });
}

test("what isn't there is missed, unless a reference vouches for it", async (t) => {
  const { repository, check } = setUp(t);
  const one = writeCommit(repository, { ref: "refs/heads/main" });
  const blob = repository.gitLine(["rev-parse", `${one}:file`]);
  const tree = repository.gitLine(["rev-parse", `${one}^{tree}`]);
  const same = repository.gitLine(["commit-tree", "-p", one, "-m", "same", tree]);
  const again = repository.gitLine(["commit-tree", "-m", "root", tree]);
  repository.git(["update-ref", "refs/heads/same", same]);
  remove(repository, blob);
  // The tree is the same as that of a commit which a reference leads to.
  assert.equal(await check([same]), true);
  repository.git(["update-ref", "refs/new", again]);
  assert.equal(await check([again], ["refs/new"]), false);
  assert.equal(await check([blob]), false);
  assert.equal(await check(["1".repeat(40)]), false);
});

test("a commit that no reference leads to is left to git", async (t) => {
  const { repository, check } = setUp(t);
  writeCommit(repository, { ref: "refs/heads/main" });
  const lost = writeCommit(repository, { content: "lost\n" });
  assert.equal(await check([lost]), false);
});
