import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../../base/log/logger.ts";
import type { Planner } from "../../storage/housekeeping/optimization-plan.ts";
import { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { runTestGit, temporaryDirectory } from "../../testing/git-repository.ts";
import { eventually } from "../../testing/processes.ts";
import { HousekeepingSchedule } from "./housekeeping-schedule.ts";

const ADDRESS = { storageName: "default", relativePath: "a.git" };

/** A schedule over one empty repository, and the plans it has asked for. */
function setUp(t: TestContext) {
  const root = temporaryDirectory(t);
  runTestGit(["init", "--quiet", "--bare", `${root}/a.git`], {});
  const plans: Planner[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const looks: ("whole" | "glance")[] = [];
  const plan = async (planner: Planner): Promise<void> => {
    plans.push(planner);
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    await gate.promise;
  };
  const housekeeping = {
    noteWrite: () => undefined,
    optimize: (_: unknown, __: unknown, planner: Planner): Promise<void> => {
      looks.push("whole");
      return plan(planner);
    },
    optimizeIfNeeded: (_: unknown, __: unknown, planner: Planner): Promise<void> => {
      looks.push("glance");
      return plan(planner);
    },
  };
  const schedule = new HousekeepingSchedule({
    locator: new RepositoryLocator(new Map([["default", root]])),
    housekeeping,
    logger: silentLogger,
  });
  const finish = async (): Promise<void> => {
    for (const gate of gates) gate.resolve();
    await schedule.settled();
  };
  const write = (times: number): void => {
    for (let count = 0; count < times; count++) schedule.noteWrite(ADDRESS);
  };
  return { root, schedule, plans, looks, write, finish };
}

test("a repository is tidied after so many writes, one at a time", async (t) => {
  const { plans, write, finish } = setUp(t);
  write(10);
  assert.equal(plans.length, 0);
  write(1);
  assert.equal(plans.length, 1);
  // References only; while that goes on nothing else begins.
  write(20);
  assert.equal(plans.length, 1);
  await finish();
  write(1);
  assert.equal(plans.length, 2);
  await finish();
});

test("a repository that is written to all the time is seldom looked at as a whole", async (t) => {
  const { schedule, looks, write, finish } = setUp(t);
  for (let round = 0; round < 3; round++) {
    write(11);
    await finish();
  }
  assert.deepEqual(looks, ["whole", "glance", "glance"]);
  schedule.noteWrite(ADDRESS, true);
  await finish();
  assert.equal(looks.at(-1), "whole");
});

test("some writes are followed at once, and a call keeps the schedule out", async (t) => {
  const { schedule, plans, finish } = setUp(t);
  const leave = schedule.enter(ADDRESS);
  assert.ok(leave);
  assert.equal(schedule.enter(ADDRESS), undefined);
  schedule.noteWrite(ADDRESS, true);
  assert.equal(plans.length, 0);
  leave();
  schedule.noteWrite(ADDRESS, true);
  assert.equal(plans.length, 1);
  assert.equal(schedule.enter(ADDRESS), undefined);
  await finish();
  assert.ok(schedule.enter(ADDRESS));
});

test("a repository with many files is tidied when it is first read", async (t) => {
  const { root, schedule, plans, finish } = setUp(t);
  schedule.noteRead({ ...ADDRESS, relativePath: "missing.git" });
  for (let count = 0; count < 501; count++) writeFileSync(`${root}/a.git/objects/${count}`, "");
  schedule.noteRead(ADDRESS);
  await eventually("a plan", 30_000, () => plans.length === 1);
  await finish();
  schedule.noteRead(ADDRESS);
  await schedule.settled();
  assert.equal(plans.length, 1);
});

test("a small repository isn't tidied for being read", async (t) => {
  const { schedule, plans } = setUp(t);
  schedule.noteRead(ADDRESS);
  await schedule.settled();
  assert.equal(plans.length, 0);
});
