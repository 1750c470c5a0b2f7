import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTargets } from "./external-target.ts";

test("parseTargets reads names, addresses and storages", () => {
  assert.deepEqual(parseTargets(" ours=tcp://127.0.0.1:2305  other=unix:/run/g.sock#/srv/git\n"), [
    { name: "ours", address: "tcp://127.0.0.1:2305", storagePath: undefined },
    { name: "other", address: "unix:/run/g.sock", storagePath: "/srv/git" },
  ]);
  assert.deepEqual(parseTargets(""), []);
});

test("parseTargets refuses what is no target", () => {
  assert.throws(() => parseTargets("tcp://127.0.0.1:2305"), /not a target/);
  assert.throws(() => parseTargets("ours=127.0.0.1:2305"), /invalid connection string/);
});
