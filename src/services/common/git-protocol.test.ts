import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "../../base/log/logger.ts";
import { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { SSHService } from "../../proto/ssh_pb.ts";
import { testCall } from "../../testing/server-call.ts";
import { GitProtocols } from "./git-protocol.ts";

test("GitProtocols passes on versions that git knows, and counts all", () => {
  const metrics = new MetricRegistry();
  const warnings: unknown[] = [];
  const warn = (message: string, fields?: object): void => void warnings.push([message, fields]);
  const protocols = new GitProtocols({ metrics, logger: { ...silentLogger, warn } });
  const call = testCall(SSHService.method.sSHReceivePack);
  for (const [asked, environment, version] of [
    ["", {}, "v0"],
    ["version=1", { GIT_PROTOCOL: "version=1" }, "v1"],
    ["version=2", { GIT_PROTOCOL: "version=2" }, "v2"],
    ["version=3", {}, "invalid"],
  ] as const) {
    assert.deepEqual(protocols.environment(asked, call), environment);
    const labels = 'grpc_service="gitaly.SSHService",grpc_method="SSHReceivePack"';
    const line = `gitaly_git_protocol_requests_total{${labels},git_protocol="${version}"} 1\n`;
    assert.ok(metrics.render().includes(line), metrics.render());
  }
  const fields = { git_protocol: "version=3", correlation_id: "" };
  assert.deepEqual(warnings, [["invalid git protocol requested", fields]]);
});
