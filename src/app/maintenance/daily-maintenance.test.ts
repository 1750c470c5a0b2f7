import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { test } from "node:test";
import { silentLogger } from "../../base/log/logger.ts";
import {
  type LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { runTestGit, temporaryDirectory } from "../../testing/git-repository.ts";
import { nextStart, tidyStorages } from "./daily-maintenance.ts";

test("nextStart is today's time or tomorrow's", () => {
  const at = { startHour: 12, startMinute: 30 };
  const start = (hour: number, minute: number): Date =>
    nextStart(at, new Date(2024, 1, 28, hour, minute));
  assert.deepEqual(start(12, 29), new Date(2024, 1, 28, 12, 30));
  assert.deepEqual(start(12, 30), new Date(2024, 1, 29, 12, 30));
  assert.deepEqual(start(23, 59), new Date(2024, 1, 29, 12, 30));
});

test("tidyStorages finds all repositories of its storages until the window closes", async (t) => {
  const root = temporaryDirectory(t);
  for (const name of ["a.git", "group/b.git", "+gitaly/tmp/c.git", "group/b.git/modules/d.git"]) {
    runTestGit(["init", "--quiet", "--bare", `${root}/default/${name}`], {});
  }
  mkdirSync(`${root}/default/empty`);
  runTestGit(["init", "--quiet", "--bare", `${root}/other/e.git`], {});
  const storages = [
    ["default", `${root}/default`],
    ["alias", `${root}/default`],
    ["other", `${root}/other`],
  ] as const;
  const tidied: string[] = [];
  const optimize = async ({ relativePath }: LocatedRepository): Promise<void> => {
    tidied.push(relativePath);
  };
  const settings = {
    startHour: 0,
    startMinute: 0,
    durationMs: 1,
    storages: ["default", "alias"],
    disabled: false,
  };
  const needs = {
    locator: new RepositoryLocator(new Map(storages)),
    housekeeping: { optimize },
    logger: silentLogger,
    settings,
  };
  const pause = async (_: number, window: AbortSignal): Promise<void> => window.throwIfAborted();
  await tidyStorages(needs, new AbortController().signal, pause);
  assert.deepEqual(tidied.sort(), ["a.git", "group/b.git"]);
  await tidyStorages(needs, AbortSignal.abort(), pause);
  assert.equal(tidied.length, 2);
});
