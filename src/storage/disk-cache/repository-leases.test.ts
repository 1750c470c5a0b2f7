import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { PathEscapesRootError } from "../locator/locator-errors.ts";
import { RepositoryLocator } from "../locator/repository-locator.ts";
import { LeaseMissingError, RepositoryLeases } from "./repository-leases.ts";

const ADDRESS = { storageName: "default", relativePath: "group/a.git" };

function setUp(t: TestContext) {
  const root = temporaryDirectory(t);
  const leases = new RepositoryLeases(new RepositoryLocator(new Map([["default", root]])));
  const state = join(root, "+gitaly/state/group/a.git");
  const latest = join(state, "latest");
  /** What others do that keep something. */
  const begin = (): void => {
    for (const folder of [state, join(root, "+gitaly/cache/3a")]) {
      mkdirSync(folder, { recursive: true });
    }
    writeFileSync(latest, "8ddb1a8f-3b0e-4f4e-8a4e-0a3f2b7cf3a1");
  };
  return { root, leases, state, latest, pending: join(state, "pending"), begin };
}

test("a change ends the generation and says so while it goes on", (t) => {
  const { leases, state, pending, begin } = setUp(t);
  begin();
  const lease = leases.start(ADDRESS);
  assert.deepEqual(readdirSync(state), ["pending"]);
  assert.match(readdirSync(pending).join(), /^\d+$/);
  begin();
  lease.end();
  assert.deepEqual(readdirSync(state), ["pending"]);
  assert.deepEqual(readdirSync(pending), []);
});

test("each of several changes counts", (t) => {
  const { leases, pending, begin } = setUp(t);
  begin();
  const one = leases.start(ADDRESS);
  const other = leases.start({ ...ADDRESS, relativePath: "group/./a.git/" });
  one.end();
  assert.equal(readdirSync(pending).length, 1);
  other.end();
  assert.equal(readdirSync(pending).length, 0);
});

test("nothing is written where nobody keeps anything, and what was kept meanwhile is forgotten", (t) => {
  const { root, leases, latest, begin } = setUp(t);
  leases.start(ADDRESS).end();
  assert.deepEqual(readdirSync(root), []);
  const lease = leases.start(ADDRESS);
  begin();
  lease.end();
  assert.equal(existsSync(latest), false);
});

test("a change says when it hasn't counted to its end", (t) => {
  const { leases, state, latest, pending, begin } = setUp(t);
  begin();
  const lease = leases.start(ADDRESS);
  rmSync(pending, { recursive: true });
  begin();
  assert.throws(() => lease.end(), LeaseMissingError);
  assert.equal(existsSync(latest), false);
  rmSync(state, { recursive: true });
  writeFileSync(state, "in the way");
  assert.throws(() => leases.start(ADDRESS), { code: "ENOTDIR" });
});

test("addresses that lead elsewhere are refused", (t) => {
  const { leases } = setUp(t);
  assert.throws(() => leases.start({ ...ADDRESS, relativePath: "../a.git" }), PathEscapesRootError);
});
