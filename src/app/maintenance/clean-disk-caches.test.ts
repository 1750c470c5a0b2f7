import assert from "node:assert/strict";
import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../../base/log/logger.ts";
import { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { cleanDiskCaches } from "./clean-disk-caches.ts";

function setUp(t: TestContext) {
  const path = temporaryDirectory(t);
  const data = join(path, "+gitaly");
  const needs = {
    locator: new RepositoryLocator(new Map([["default", path]])),
    storages: [{ name: "default", path }],
    metrics: new MetricRegistry(),
    logger: silentLogger,
  };
  const put = (name: string, { isOld = false } = {}): string => {
    const file = join(data, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "");
    if (isOld) utimesSync(file, 0, 0);
    return file;
  };
  const cleanOnce = async (): Promise<void> => {
    const ending = new AbortController();
    await cleanDiskCaches(needs, ending.signal, async (ms) => {
      assert.equal(ms, 10 * 60_000);
      ending.abort();
    });
  };
  return { data, put, cleanOnce, metrics: needs.metrics };
}

test("what nobody has written for an hour goes, with the folders that held it", async (t) => {
  const { data, put, cleanOnce, metrics } = setUp(t);
  const old = ["cache/aa/bb", "cache/cc/old", "state/a.git/pending/1", "state/b.git/latest"];
  for (const name of old) put(name, { isOld: true });
  const kept = ["cache/cc/new", "state/a.git/latest", "elsewhere"].map((name) => put(name));
  mkdirSync(join(data, "state/c.git/pending"), { recursive: true });
  await cleanOnce();
  assert.deepEqual(
    kept.filter((path) => !existsSync(path)),
    [],
  );
  const gone = [...old, "cache/aa", "state/a.git/pending", "state/b.git", "state/c.git"];
  assert.deepEqual(
    gone.filter((name) => existsSync(join(data, name))),
    [],
  );
  assert.match(metrics.render(), /^gitaly_diskcache_walker_removal_total 9$/m);
  assert.match(metrics.render(), /^gitaly_diskcache_walker_empty_dir_removal_total 5$/m);
});

test("storages without a cache are left alone, and a folder that can't be cleaned is counted", async (t) => {
  const { data, cleanOnce, put, metrics } = setUp(t);
  await cleanOnce();
  assert.equal(existsSync(data), false);
  put("cache");
  await cleanOnce();
  assert.match(metrics.render(), /^gitaly_diskcache_walker_error_total 1$/m);
});
