import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { parseStat, readTreeUsage } from "./process-tree.ts";

test("parseStat isn't misled by a process's name", () => {
  const stat = "7 (a) b) (c) S 3 7 7 0 -1 0 0 0 0 0 10 20 30 40 20 0 1 0 5 999 77 0 0";
  assert.deepEqual(parseStat(stat), { parent: 3, ticks: 100, residentPages: 77 });
});

test("readTreeUsage counts what children used that have ended", () => {
  const before = readTreeUsage(process.pid);
  const busy = "const end = process.cpuUsage().user + 2e5; while (process.cpuUsage().user < end);";
  spawnSync(process.execPath, ["-e", busy]);
  const after = readTreeUsage(process.pid);
  assert.ok(after.cpuMicroseconds - before.cpuMicroseconds >= 200_000);
  assert.ok(after.rootResidentBytes > 0);
});
