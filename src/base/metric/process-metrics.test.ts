import assert from "node:assert/strict";
import test from "node:test";
import { setImmediate } from "node:timers/promises";
import { MetricRegistry } from "./metric-registry.ts";
import { defineProcessMetrics } from "./process-metrics.ts";

test("the process tells of its time, memory and event loop", async () => {
  // The event loop has no time to tell of before its first turn.
  await setImmediate();
  const registry = new MetricRegistry();
  defineProcessMetrics(registry);
  const text = registry.render();
  for (const name of [
    "process_cpu_seconds_total",
    "process_start_time_seconds",
    "process_resident_memory_bytes",
    'nodejs_heap_size_bytes{state="used"}',
    'nodejs_eventloop_seconds_total{state="active"}',
  ]) {
    const [line] = text.split("\n").filter((candidate) => candidate.startsWith(`${name} `));
    assert.ok(Number(line?.slice(name.length + 1)) > 0, `${name} is missing or not positive`);
  }
});

test("on Linux the process tells of its descriptors and address space", (t) => {
  if (process.platform !== "linux") return t.skip("no /proc");
  const registry = new MetricRegistry();
  defineProcessMetrics(registry);
  const text = registry.render();
  for (const name of [
    "process_open_fds",
    "process_max_fds",
    "process_virtual_memory_bytes",
    "process_virtual_memory_max_bytes",
  ]) {
    assert.match(text, new RegExp(`^${name} [1-9]\\d*$`, "m"));
  }
  assert.match(text, /^process_network_receive_bytes_total \d+$/m);
  assert.match(text, /^process_network_transmit_bytes_total \d+$/m);
  return undefined;
});
