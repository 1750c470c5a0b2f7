import assert from "node:assert/strict";
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { commitFiles } from "../../testing/commit-files.ts";
import { createTestRepository } from "../../testing/git-repository.ts";
import { FolderListings } from "../file/folder-listings.ts";
import { readRepositoryState } from "./read-repository-state.ts";
import { findStaleFiles } from "./stale-files.ts";
import { type Sight, TidyMemory } from "./tidy-memory.ts";

/** Everything there is was made long before. */
const LATER_MS = Date.now() + 3_600_000;

const CHANGES: readonly (readonly [name: string, change: (path: string) => void])[] = [
  ["a folder of references", (path) => mkdirSync(join(path, "refs/heads/new"))],
  ["a file beside packs", (path) => writeFileSync(join(path, "objects/pack/tmp_pack_1"), "")],
  ["a folder of objects", (path) => mkdirSync(join(path, "objects/4b"))],
  ["a lock", (path) => writeFileSync(join(path, "HEAD.lock"), "")],
  ["settings, written in place", (path) => writeFileSync(join(path, "config"), "[core]\n")],
];

test("a tidy repository is remembered until something in it changes", async (t) => {
  for (const [name, change] of CHANGES) {
    const path = tidyRepository(t);
    const memory = new TidyMemory();
    const sight = await look(t, path);
    memory.remember(path, LATER_MS, sight);
    assert.equal(memory.recall(path, LATER_MS + 1), sight.state, name);
    change(path);
    assert.equal(memory.recall(path, LATER_MS + 2), undefined, name);
  }
});

test("a memory counts for a while only", async (t) => {
  const path = tidyRepository(t);
  const memory = new TidyMemory();
  memory.remember(path, LATER_MS, await look(t, path));
  assert.equal(memory.recall(path, LATER_MS + 3_600_000), undefined);
  assert.equal(memory.recall(path, LATER_MS + 1), undefined);
});

test("what may become old isn't remembered, nor what has just changed", async (t) => {
  const path = tidyRepository(t);
  const memory = new TidyMemory();
  memory.remember(path, 0, await look(t, path));
  assert.equal(memory.recall(path, 1), undefined);
  const additions = ["refs/heads/topic", "objects/pack/pack-1.keep", "config0123456789abcdef"];
  for (const name of additions) {
    const other = tidyRepository(t);
    writeFileSync(join(other, name), "");
    memory.remember(other, LATER_MS, await look(t, other));
    assert.equal(memory.recall(other, LATER_MS + 1), undefined, name);
  }
});

/** Nothing of it changes in the very moment in which it was made. */
function tidyRepository(t: TestContext): string {
  const repository = createTestRepository(t);
  repository.git(["update-ref", "refs/heads/main", commitFiles(repository, { a: "a" })]);
  repository.git(["pack-refs", "--all"]);
  repository.git(["repack", "-adq"]);
  repository.git(["prune-packed"]);
  const { path } = repository;
  const old = new Date(1_000_000_000_000);
  for (const name of readdirSync(path, { recursive: true, encoding: "utf8" })) {
    utimesSync(join(path, name), old, old);
  }
  utimesSync(path, old, old);
  return path;
}

async function look(t: TestContext, path: string): Promise<Sight> {
  const listings = new FolderListings();
  const located = {
    path,
    storageName: "default",
    storagePath: "/",
    relativePath: path.slice(1),
    glRepository: "",
    glProjectPath: "",
  };
  const state = await readRepositoryState(located, t.signal, LATER_MS, listings.list);
  await findStaleFiles(path, LATER_MS, t.signal, listings);
  return { state, listings };
}
