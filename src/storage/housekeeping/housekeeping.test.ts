import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../../base/log/logger.ts";
import { MetricRegistry } from "../../base/metric/metric-registry.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { createTestRepository } from "../../testing/git-repository.ts";
import { startTestGitRunner } from "../../testing/test-git-runner.ts";
import type { LocatedRepository } from "../locator/repository-locator.ts";
import { Housekeeping } from "./housekeeping.ts";
import { HousekeepingMetrics } from "./housekeeping-metrics.ts";
import { planEverything } from "./optimization-plan.ts";

/** A repository with a commit, and housekeeping that notes which commands of git it runs. */
async function setUp(t: TestContext) {
  const repository = createTestRepository(t);
  repository.git(["update-ref", "refs/heads/main", commitFiles(repository, { a: "a" })]);
  const commands: string[] = [];
  const runner = await startTestGitRunner(t);
  const git: GitRunner = {
    run: (directory, command, options) => {
      commands.push(command.name);
      return runner.run(directory, command, options);
    },
    stream: (directory, command, options) => runner.stream(directory, command, options),
    start: (directory, command, options) => runner.start(directory, command, options),
    configOf: (command) => runner.configOf(command),
    version: () => runner.version(),
  };
  const metrics = new MetricRegistry();
  const housekeeping = new Housekeeping({
    git,
    logger: silentLogger,
    metrics: new HousekeepingMetrics(metrics, [1]),
  });
  const located: LocatedRepository = {
    path: repository.path,
    storageName: "default",
    storagePath: "/",
    relativePath: repository.path.slice(1),
    glRepository: "",
    glProjectPath: "",
  };
  return { repository, commands, metrics, housekeeping, located };
}

test("a tidy repository costs no process", async (t) => {
  const { commands, metrics, housekeeping, located } = await setUp(t);
  await housekeeping.optimize(located, { signal: t.signal });
  assert.deepEqual(commands, ["repack", "commit-graph"]);
  await housekeeping.optimize(located, { signal: t.signal });
  assert.equal(commands.length, 2);
  const text = metrics.render();
  const task = (name: string, status: string): string =>
    `gitaly_housekeeping_tasks_total{housekeeping_task="${name}",status="${status}"}`;
  assert.ok(text.includes(`${task("total", "success")} 2\n`));
  assert.ok(text.includes(`${task("packed_objects_geometric", "success")} 1\n`));
  assert.ok(text.includes('existence_total{data_structure="multi_pack_index",exists="true"} 1\n'));
});

test("only one at a time works on a repository", async (t) => {
  const { commands, housekeeping, located } = await setUp(t);
  const first = housekeeping.optimize(located, { signal: t.signal }, planEverything);
  await housekeeping.optimize(located, { signal: t.signal }, planEverything);
  await first;
  assert.deepEqual(commands, ["repack", "prune", "pack-refs", "commit-graph"]);
});

test("housekeeping that is cancelled leaves a whole repository, and may begin again", async (t) => {
  const { repository, housekeeping, located } = await setUp(t);
  const ending = new AbortController();
  const running = housekeeping.optimize(located, { signal: ending.signal }, planEverything);
  ending.abort();
  await assert.rejects(running, { name: "AbortError" });
  assert.equal(repository.git(["fsck", "--strict"]).length, 0);
  await housekeeping.optimize(located, { signal: t.signal }, planEverything);
  assert.equal(repository.git(["fsck", "--strict"]).length, 0);
});
