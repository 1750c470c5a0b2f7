import assert from "node:assert/strict";
import test from "node:test";
import { METRICS_CONTENT_TYPE, MetricRegistry } from "../base/metric/metric-registry.ts";
import { defineBuildInfo, startMonitoring } from "./monitoring.ts";

test("the listener answers /metrics with all metrics and nothing else", async () => {
  const registry = new MetricRegistry();
  defineBuildInfo(registry, { version: "1.2.3", gitVersion: "2.50.1" });
  await using server = await startMonitoring("127.0.0.1:0", registry);
  const url = `http://${server.address}`;
  const metrics = await fetch(`${url}/metrics?name=x`);
  assert.equal(metrics.status, 200);
  assert.equal(metrics.headers.get("content-type"), METRICS_CONTENT_TYPE);
  assert.match(
    await metrics.text(),
    /^gitlab_build_info\{git_version="2\.50\.1",module_path="gitaly-ts",module_version="v1\.2\.3",version="1\.2\.3"\} 1$/m,
  );
  for (const [path, method, status] of [
    ["/", "GET", 404],
    ["/metrics/", "GET", 404],
    ["/metrics", "POST", 200],
    ["/metrics", "HEAD", 200],
  ] as const) {
    const response = await fetch(url + path, { method });
    await response.arrayBuffer();
    assert.equal(response.status, status, `${method} ${path}`);
  }
});

test("how often the metrics are read is told beside them", async () => {
  const registry = new MetricRegistry();
  await using server = await startMonitoring("127.0.0.1:0", registry);
  const read = async (): Promise<string> =>
    (await fetch(`http://${server.address}/metrics`)).text();
  assert.match(await read(), /^promhttp_metric_handler_requests_total\{code="200"\} 0$/m);
  const text = await read();
  assert.match(text, /^promhttp_metric_handler_requests_total\{code="200"\} 1$/m);
  assert.match(text, /^promhttp_metric_handler_requests_total\{code="503"\} 0$/m);
  assert.match(text, /^promhttp_metric_handler_requests_in_flight 1$/m);
});

test("a disposed listener leaves its address to others", async () => {
  const first = await startMonitoring("localhost:0", new MetricRegistry());
  await fetch(`http://${first.address}/metrics`).then((response) => response.arrayBuffer());
  await first[Symbol.asyncDispose]();
  await using second = await startMonitoring(first.address, new MetricRegistry());
  assert.equal(second.address, first.address);
});

test("an address that can't be taken is named", async () => {
  await using taken = await startMonitoring("127.0.0.1:0", new MetricRegistry());
  const { address } = taken;
  await assert.rejects(startMonitoring(address, new MetricRegistry()), {
    message: `listen tcp ${address}: bind: address already in use`,
  });
  for (const [wrong, reason] of [
    ["localhost", "missing port in address"],
    ["localhost:x", "invalid port"],
    ["localhost:70000", "invalid port"],
  ] as const) {
    await assert.rejects(startMonitoring(wrong, new MetricRegistry()), {
      message: `listen tcp ${wrong}: ${reason}`,
    });
  }
});
