import assert from "node:assert/strict";
import { test } from "node:test";
import { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { BackupMetrics } from "./backup-metrics.ts";

test("what backups cost is told by phase, be it with success or not", async () => {
  const registry = new MetricRegistry();
  const metrics = new BackupMetrics(registry);
  await metrics.time("refs", async () => {});
  const failure = new Error("no");
  await assert.rejects(
    metrics.time("bundle", () => Promise.reject(failure)),
    failure,
  );
  metrics.observeBundle(4);
  const text = registry.render();
  assert.match(text, /^gitaly_backup_latency_seconds_count\{phase="refs"\} 1$/m);
  assert.match(text, /^gitaly_backup_latency_seconds_count\{phase="bundle"\} 1$/m);
  assert.match(text, /^gitaly_backup_bundle_bytes_sum 4$/m);
  assert.match(text, /^gitaly_backup_bundle_bytes_bucket\{le="3\.3724/m);
});
