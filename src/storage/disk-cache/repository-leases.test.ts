import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { PathEscapesRootError } from "../locator/locator-errors.ts";
import { RepositoryLocator } from "../locator/repository-locator.ts";
import { LeaseMissingError, RepositoryLeases, STALE_MS } from "./repository-leases.ts";

const ADDRESS = { storageName: "default", relativePath: "group/a.git" };
const GENERATION = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function setUp(t: TestContext, nowMs?: () => number) {
  const root = temporaryDirectory(t);
  const leases = new RepositoryLeases(new RepositoryLocator(new Map([["default", root]])), nowMs);
  const state = join(root, "+gitaly/state/group/a.git");
  const pending = join(state, "pending");
  return { leases, state, pending, latest: join(state, "latest") };
}

test("a repository has a generation until it is changed", (t) => {
  const { leases, state, pending, latest } = setUp(t);
  const first = leases.generation(ADDRESS);
  assert.match(first ?? "", GENERATION);
  assert.equal(leases.generation(ADDRESS), first);
  assert.equal(readFileSync(latest, "utf8"), first);
  assert.deepEqual(readdirSync(state), ["latest"]);

  const lease = leases.start(ADDRESS);
  assert.deepEqual(readdirSync(state), ["pending"]);
  assert.match(readdirSync(pending).join(), /^\d+$/);
  assert.equal(leases.generation(ADDRESS), undefined);
  lease.end();
  assert.deepEqual(readdirSync(pending), []);
  const second = leases.generation(ADDRESS);
  assert.match(second ?? "", GENERATION);
  assert.notEqual(second, first);
  assert.deepEqual(readdirSync(state).sort(), ["latest", "pending"]);
});

test("the last of several changes lets a generation count", (t) => {
  const { leases } = setUp(t);
  const [one, other] = [
    leases.start(ADDRESS),
    leases.start({ ...ADDRESS, relativePath: "group/./a.git/" }),
  ];
  one.end();
  assert.equal(leases.generation(ADDRESS), undefined);
  other.end();
  assert.match(leases.generation(ADDRESS) ?? "", GENERATION);
});

test("a change of another process counts for an hour", (t) => {
  let nowMs = Date.now();
  const { leases, pending, latest } = setUp(t, () => nowMs);
  mkdirSync(pending, { recursive: true });
  writeFileSync(join(pending, "123"), "");
  writeFileSync(latest, "of another process");
  assert.equal(leases.generation(ADDRESS), undefined);
  nowMs += STALE_MS + 60_000;
  assert.equal(leases.generation(ADDRESS), "of another process");
  assert.deepEqual(readdirSync(pending), []);
});

test("a change says when it hasn't counted to its end, and begins a generation all the same", (t) => {
  const { leases, state, pending } = setUp(t);
  const lease = leases.start(ADDRESS);
  for (const name of readdirSync(pending)) rmSync(join(pending, name));
  const first = leases.generation(ADDRESS);
  assert.throws(() => lease.end(), LeaseMissingError);
  assert.notEqual(leases.generation(ADDRESS), first);

  const other = leases.start(ADDRESS);
  rmSync(state, { recursive: true });
  writeFileSync(state, "in the way");
  assert.throws(() => other.end(), { code: "ENOTDIR" });
});

test("addresses that lead elsewhere are refused", (t) => {
  const { leases } = setUp(t);
  const outside = { ...ADDRESS, relativePath: "../a.git" };
  assert.throws(() => leases.start(outside), PathEscapesRootError);
  assert.throws(() => leases.generation(outside), PathEscapesRootError);
});
