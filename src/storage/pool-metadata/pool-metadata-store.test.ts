import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { PoolMetadataError, PoolMetadataStore } from "./pool-metadata-store.ts";

const WHEN = new Date(Date.UTC(2026, 1, 3, 4, 5, 6));

test("what is stored of one storage replaces what was known of it, and of no other", (t) => {
  const path = join(temporaryDirectory(t), "pools.db");
  using store = PoolMetadataStore.open(path);
  store.replaceStorage("a", new Map([["p1", { members: ["m1", "m2"], upstream: "m2" }]]), WHEN);
  store.replaceStorage("b", new Map([["p2", { members: [], upstream: undefined }]]), WHEN);
  assert.deepEqual(store.poolPaths("a"), ["p1"]);
  store.replaceStorage("a", new Map([["p3", { members: ["m1"], upstream: undefined }]]), WHEN);
  assert.deepEqual([store.poolPaths("a"), store.poolPaths("b")], [["p3"], ["p2"]]);
  const database = new DatabaseSync(path);
  t.after(() => database.close());
  const all = (query: string): unknown[] => database.prepare(query).all().map(Object.values);
  assert.deepEqual(all("SELECT * FROM pool_members"), [["m1", "p3", 0]]);
  assert.deepEqual(all("SELECT * FROM pools ORDER BY disk_path"), [
    ["p2", "b", "2026-02-03 04:05:06.000+00:00"],
    ["p3", "a", "2026-02-03 04:05:06.000+00:00"],
  ]);
  assert.deepEqual(all("SELECT id FROM schema_migrations"), [
    ["20260211151213_initial_schema"],
    ["20260415000000_broken_pools"],
  ]);
});

test("all of a storage's pools are stored or none", (t) => {
  using store = PoolMetadataStore.open(join(temporaryDirectory(t), "pools.db"));
  const pool = (...members: string[]) => ({ members, upstream: undefined });
  store.replaceStorage("a", new Map([["p1", pool("m")]]), WHEN);
  const twice = new Map([
    ["p2", pool("x")],
    ["p3", pool("x")],
  ]);
  const failed = "UNIQUE constraint failed: pool_members.member_disk_path";
  const message = `insert member x for pool p3: ${failed}`;
  assert.throws(() => store.replaceStorage("a", twice, WHEN), { message });
  assert.deepEqual(store.poolPaths("a"), ["p1"]);
});

test("a database is found again, with the last pool that each member lacks", (t) => {
  const path = join(temporaryDirectory(t), "pools.db");
  {
    using store = PoolMetadataStore.open(path);
    store.recordBrokenPool("a", "m", "gone-1");
    store.recordBrokenPool("b", "m", "gone-2");
    store.replaceStorage("a", new Map([["p", { members: [], upstream: undefined }]]), WHEN);
  }
  using store = PoolMetadataStore.open(path);
  store.recordBrokenPool("a", "m", "gone-3");
  assert.deepEqual(store.poolPaths("a"), ["p"]);
  const database = new DatabaseSync(path);
  t.after(() => database.close());
  const rows = database.prepare("SELECT * FROM broken_pools ORDER BY storage").all();
  assert.deepEqual(rows.map(Object.values), [
    ["m", "a", "gone-3"],
    ["m", "b", "gone-2"],
  ]);
});

test("what is no database is refused", (t) => {
  const path = join(temporaryDirectory(t), "pools.db");
  writeFileSync(path, "x".repeat(1000));
  assert.throws(() => PoolMetadataStore.open(path), PoolMetadataError);
  assert.throws(() => PoolMetadataStore.open(join(path, "below")), PoolMetadataError);
});
