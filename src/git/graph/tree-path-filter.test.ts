import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createTestRepository, type TestRepository } from "../../testing/git-repository.ts";
import { type Oid, parseOid } from "../oid/oid.ts";
import { ReaderResources } from "../pack/reader-resources.ts";
import { RepositoryCache } from "../repository/repository-cache.ts";
import { CommitStore } from "./commit-store.ts";
import { TreePathFilter } from "./tree-path-filter.ts";

const PATHS = ["a", "b", "dir/a", "dir/b", "dir/sub/c", "other/a", "d\u00e9", "none/x"];
const ASKED = [...PATHS, "dir", "dir/sub", "other"];

/** Writes a line of commits, each of which changes, adds, removes or replaces some paths. */
function writeHistory({ git }: TestRepository): void {
  const parts = Array.from({ length: 60 }, (_, i) => {
    const changed = PATHS.slice(0, -1).filter((_path, k) => (i * 7 + k * 5) % 11 < 2);
    const lines = changed.map((path, k) =>
      (i + k) % 4 === 0 ? `D ${path}\n` : `M 100644 inline ${path}\ndata 1\n${(i + k) % 3}\n`,
    );
    if (i % 20 === 19) lines.push("D dir\n", "M 100644 inline dir\ndata 1\nf\n");
    if (i % 20 === 1) lines.push("D dir\n", "M 100644 inline dir/a\ndata 1\nf\n");
    const time = 1_600_000_000 + i;
    return `commit refs/heads/main\ncommitter C <c@d> ${time} +0000\ndata 1\nx\n${lines.join("")}\n`;
  });
  git(["-c", "fastimport.unpackLimit=1000", "fast-import", "--quiet"], { input: parts.join("") });
}

function openStore(t: TestContext, { path }: TestRepository): CommitStore {
  const resources = new ReaderResources();
  const cache = new RepositoryCache(resources);
  t.after(() => cache.close());
  const { objects } = cache.open(path);
  return new CommitStore({ objects, graph: undefined, grafts: new Map(), resources });
}

function commitsOf({ gitLines }: TestRepository): Oid[] {
  return gitLines(["rev-list", "main"]).map((line) => {
    const oid = parseOid(line);
    assert.ok(oid);
    return oid;
  });
}

test("trees tell what commits change, once for all who ask", (t) => {
  const repository = createTestRepository(t);
  writeHistory(repository);
  const store = openStore(t, repository);
  const commits = commitsOf(repository).slice(0, -1);
  for (const path of ASKED) {
    const filter = new TreePathFilter(store, [Buffer.from(path)]);
    const log = ["log", "--format=%H", "main", "--", path];
    const changing = new Set<string>(repository.gitLines(log));
    const maybe = commits.filter((oid) => filter.mayChange(store.get(oid)));
    assert.deepEqual(
      maybe,
      commits.filter((oid) => changing.has(oid)),
      path,
    );
  }
  const paths = ASKED.map((path) => Buffer.from(path));
  const again = new TreePathFilter(store, paths);
  const numbers = [...paths.keys()];
  for (const oid of commits) {
    const changed = again.mayChangeOf(store.get(oid), numbers);
    assert.equal(changed.length > 0, again.mayChange(store.get(oid)));
  }
  const single = new TreePathFilter(store, [Buffer.from("a")]);
  for (const oid of commits) single.mayChange(store.get(oid));
  assert.equal(single.looks, 0);
});

test("trees that can't be read tell nothing", (t) => {
  const repository = createTestRepository(t);
  writeHistory(repository);
  const store = openStore(t, repository);
  const [tip] = commitsOf(repository);
  assert.ok(tip);
  const tree = repository.gitLine(["rev-parse", "main~1^{tree}"]);
  rmSync(join(repository.path, "objects", tree.slice(0, 2), tree.slice(2)));
  const filter = new TreePathFilter(store, [Buffer.from("none/at/all")]);
  assert.equal(filter.mayChange(store.get(tip)), true);
  assert.deepEqual(filter.mayChangeOf(store.get(tip), [0]), [0]);
});
