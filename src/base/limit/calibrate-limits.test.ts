import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "../log/create-logger.ts";
import { MetricRegistry } from "../metric/metric-registry.ts";
import { AdaptiveLimit } from "./adaptive-limit.ts";
import { calibrateLimits } from "./calibrate-limits.ts";

const logger = createLogger({
  format: "json",
  level: "error",
  destination: { write: () => undefined, close: async () => undefined },
});

test("calibrateLimits moves limits up one by one, and down by half", () => {
  const metrics = new MetricRegistry();
  const limit = new AdaptiveLimit("perRPC/x", { initial: 5, max: 7, min: 2 });
  const fixed = new AdaptiveLimit("fixed", { initial: 3 });
  const ticks: (() => void)[] = [];
  let shortage: string | undefined;
  let isDisposed = false;
  const calibration = calibrateLimits([limit, fixed], {
    metrics,
    logger,
    findShortage: () => shortage,
    repeat: (work, intervalMs) => {
      assert.equal(intervalMs, 30_000);
      ticks.push(work);
      return {
        [Symbol.dispose]: () => {
          isDisposed = true;
        },
      };
    },
  });
  const after = (next?: string): number => {
    shortage = next;
    for (const tick of ticks) tick();
    return limit.current;
  };
  const gauge = 'gitaly_concurrency_limiting_current_limit{limit="perRPC/x"}';
  assert.match(metrics.render(), new RegExp(`^${gauge.replaceAll(/[{}]/g, "\\$&")} 5$`, "m"));
  assert.deepEqual([after(), after(), after()], [6, 7, 7]);
  assert.deepEqual([after("Memory"), after("Memory"), after()], [3, 2, 3]);
  assert.equal(fixed.current, 3);
  const text = metrics.render();
  assert.ok(text.includes(`${gauge} 3\n`));
  assert.ok(text.includes('backoff_events_total{watcher="Memory"} 2\n'));
  assert.ok(!text.includes("fixed"));
  calibration[Symbol.dispose]();
  assert.ok(isDisposed);
});

test("calibrateLimits does nothing without limits that move", () => {
  const metrics = new MetricRegistry();
  const limits = [new AdaptiveLimit("fixed", { initial: 3 })];
  const calibration = calibrateLimits(limits, {
    metrics,
    logger,
    repeat: () => assert.fail("nothing to repeat"),
  });
  calibration[Symbol.dispose]();
  assert.equal(metrics.render(), "");
});
