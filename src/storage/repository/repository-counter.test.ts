import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { type Logger, silentLogger } from "../../base/log/logger.ts";
import { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { runTestGit, temporaryDirectory } from "../../testing/git-repository.ts";
import { RepositoryLocator } from "../locator/repository-locator.ts";
import { RepositoryCounter } from "./repository-counter.ts";

const { signal } = new AbortController();

function seriesOf(metrics: MetricRegistry): string[] {
  return metrics
    .render()
    .split("\n")
    .filter((line) => line.startsWith("gitaly_total_repositories_count"))
    .sort();
}

test("repositories are counted by their first folder once all are known", async (t) => {
  const root = temporaryDirectory(t);
  for (const path of [
    "@hashed/aa/one.git",
    "@hashed/bb/two.git",
    "@cluster/pools/p",
    "loose.git",
  ]) {
    runTestGit(["init", "--quiet", "--bare", join(root, path)], {});
  }
  const warnings: unknown[] = [];
  const logger: Logger = {
    ...silentLogger,
    error: (message) => assert.fail(message),
    warn: (_message, fields) => warnings.push(fields),
    with: () => logger,
  };
  // Two names for one path.
  const storages = ["default", "other"].map((name) => ({ name, path: root }));
  const locator = new RepositoryLocator(new Map(storages.map(({ name, path }) => [name, path])));
  const metrics = new MetricRegistry();
  const counter = new RepositoryCounter(metrics);
  counter.increment(locator.place({ storageName: "default", relativePath: "@hashed/cc/made.git" }));
  assert.deepEqual(seriesOf(metrics), []);
  await counter.countAll({ locator, storages, logger }, signal);
  const series = (prefix: string, count: number): string =>
    `gitaly_total_repositories_count{path="${root}",prefix="${prefix}"} ${count}`;
  assert.deepEqual(seriesOf(metrics), [series("@hashed", 3), series("pools", 1)]);
  assert.deepEqual(warnings, [{ error: 'malformed repository path "loose.git"' }]);
  counter.decrement(locator.place({ storageName: "other", relativePath: "@hashed/aa/one.git" }));
  assert.deepEqual(seriesOf(metrics), [series("@hashed", 2), series("pools", 1)]);
});
