import assert from "node:assert/strict";
import test from "node:test";
import { MetricRegistry } from "./metric-registry.ts";
import { SERIES_MAX } from "./series.ts";

test("counters, gauges and histograms are written in Prometheus' text format", () => {
  const registry = new MetricRegistry();
  const calls = registry.counter({
    name: "calls_total",
    help: "Calls.",
    labels: ["method", "code"],
  });
  calls.inc({ method: "A", code: "OK" });
  calls.inc({ code: "OK", method: "A" }, 2);
  calls.series({ method: 'say "\\\n"', code: "OK" }).inc();
  const open = registry.gauge({ name: "open", help: "Line\nbreak \\ slash." });
  open.series({}).inc(5);
  open.series({}).dec();
  const seconds = registry.histogram({
    name: "seconds",
    help: "How long.",
    labels: ["method"],
    buckets: [0.1, 1],
  });
  for (const value of [0.05, 0.1, 0.5, 7]) seconds.observe({ method: "A" }, value);
  assert.equal(
    registry.render(),
    `# HELP calls_total Calls.
# TYPE calls_total counter
calls_total{method="A",code="OK"} 3
calls_total{method="say \\"\\\\\\n\\"",code="OK"} 1
# HELP open Line\\nbreak \\\\ slash.
# TYPE open gauge
open 4
# HELP seconds How long.
# TYPE seconds histogram
seconds_bucket{method="A",le="0.1"} 2
seconds_bucket{method="A",le="1"} 3
seconds_bucket{method="A",le="+Inf"} 4
seconds_sum{method="A"} 7.65
seconds_count{method="A"} 4
`,
  );
});

test("a metric without labels starts with 0, one with labels appears with its first series", () => {
  const registry = new MetricRegistry();
  registry.counter({ name: "plain_total", help: "Plain." });
  registry.counter({ name: "labelled_total", help: "Labelled.", labels: ["a"] });
  assert.equal(
    registry.render(),
    "# HELP plain_total Plain.\n# TYPE plain_total counter\nplain_total 0\n",
  );
});

test("computed metrics are computed anew whenever they are read", () => {
  const registry = new MetricRegistry();
  let size = 1;
  registry.computedGauge({ name: "size", help: "Size.", labels: ["of"] }, (emit) => {
    emit({ of: "cache" }, size);
    emit({ of: "limit" }, Infinity);
  });
  registry.computedCounter({ name: "none_total", help: "None." }, () => undefined);
  assert.match(registry.render(), /^size\{of="cache"\} 1$/m);
  size = 2;
  assert.match(registry.render(), /^size\{of="cache"\} 2$/m);
  assert.match(registry.render(), /^size\{of="limit"\} \+Inf$/m);
  assert.doesNotMatch(registry.render(), /none_total/);
});

test("asking twice for a metric gives the same one, asking for another kind is a bug", () => {
  const registry = new MetricRegistry();
  const definition = { name: "x_total", help: "X.", labels: ["a"] } as const;
  registry.counter(definition).inc({ a: "1" });
  registry.counter(definition).inc({ a: "1" });
  assert.match(registry.render(), /^x_total\{a="1"\} 2$/m);
  assert.throws(() => registry.gauge(definition), { name: "AssertionError" });
  assert.throws(() => registry.counter({ ...definition, labels: ["b"] }), {
    name: "AssertionError",
  });
});

test("registries know nothing of each other", () => {
  const [one, other] = [new MetricRegistry(), new MetricRegistry()];
  one.counter({ name: "x_total", help: "X." }).inc({});
  assert.equal(other.render(), "");
});

test("clients can't make more series than the bound", () => {
  const registry = new MetricRegistry();
  const calls = registry.counter({ name: "calls_total", help: "Calls.", labels: ["client", "b"] });
  for (let index = 0; index < SERIES_MAX + 10; index++) calls.inc({ client: `${index}`, b: "" });
  calls.inc({ client: "0", b: "" });
  const lines = registry.render().split("\n");
  assert.equal(lines.length, SERIES_MAX + 4);
  assert.ok(lines.includes('calls_total{client="other",b="other"} 10'));
  assert.ok(lines.includes('calls_total{client="0",b=""} 2'));
});
