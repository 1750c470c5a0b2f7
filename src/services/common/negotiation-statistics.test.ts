import assert from "node:assert/strict";
import { test } from "node:test";
import { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { PacketObserver } from "../../git/negotiation/packfile-negotiation.ts";
import { SSHService } from "../../proto/ssh_pb.ts";
import { FLUSH, pktLines, type TestPacket } from "../../testing/pkt-lines.ts";
import { testCall } from "../../testing/server-call.ts";
import { NegotiationRecorder, negotiationMessage } from "./negotiation-statistics.ts";

function observed(...packets: readonly TestPacket[]): PacketObserver {
  const observer = new PacketObserver("done");
  observer.feed(pktLines(...packets));
  observer.end();
  return observer;
}

const call = () => testCall(SSHService.method.sSHUploadPackWithSidechannel);

test("NegotiationRecorder counts features and depths", () => {
  const metrics = new MetricRegistry();
  const recorder = new NegotiationRecorder(metrics, "ssh");
  for (const packets of [
    ["command=fetch", "deepen 5", "filter blob:none", "have 1", "have 2", FLUSH],
    ["deepen-since 1700000000"],
    ["deepen x"],
    ["have"],
  ]) {
    recorder.record(call(), observed(...packets));
  }
  const text = metrics.render();
  const count = (feature: string): string | undefined =>
    new RegExp(`_requests_total\\{git_negotiation_feature="${feature}"\\} (\\d+)`).exec(text)?.[1];
  const counts = ["fetch", "deepen", "filter", "have", "total"].map(count);
  assert.deepEqual(counts, ["1", "3", "1", "1", "3"]);
  assert.match(text, /gitaly_ssh_packfile_negotiation_deepen_bucket\{le="2"\} 0/);
  assert.match(text, /gitaly_ssh_packfile_negotiation_deepen_bucket\{le="5"\} 1/);
  assert.match(text, /gitaly_ssh_packfile_negotiation_deepen_count 1\n/);
});

test("NegotiationRecorder writes down what is worth it", () => {
  const recorder = new NegotiationRecorder(new MetricRegistry(), "smarthttp");
  const little = call();
  recorder.record(little, observed(FLUSH));
  assert.deepEqual(little.logFields, { "negotiation.haves": 0, "negotiation.wants": 0 });
  const much = call();
  recorder.record(
    much,
    observed("command=fetch", "agent=git/x", "deepen 1", "filter f", "shallow 1", "have 1"),
  );
  assert.deepEqual(much.logFields, {
    "negotiation.command": "fetch",
    "negotiation.user_agent": "git/x",
    "negotiation.deepen": "deepen 1",
    "negotiation.filter": "f",
    "negotiation.haves": 1,
    "negotiation.wants": 0,
    "negotiation.shallows": 1,
  });
  const none = call();
  recorder.record(none, observed("have"));
  assert.deepEqual(none.logFields, {});
});

test("negotiationMessage takes text that is UTF-8, and no other", () => {
  const text = (bytes: string): string => Buffer.from(bytes).toString("latin1");
  const { statistics } = observed(`want 1 ${text("größe")}`);
  assert.deepEqual(negotiationMessage(statistics).caps, ["größe"]);
  assert.throws(() => negotiationMessage(observed("want 1 \xff").statistics), {
    kind: "internal",
    message: "grpc: error while marshaling: string field contains invalid UTF-8",
  });
});
