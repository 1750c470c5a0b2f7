import assert from "node:assert/strict";
import test from "node:test";
import { RefService } from "../../../proto/ref_pb.ts";
import { testCall } from "../../../testing/server-call.ts";
import { CORRELATION_ID_KEY, correlate } from "./correlation.ts";
import { UlidSource } from "./ulid.ts";

const method = RefService.method.refExists;
const done = async (): Promise<void> => undefined;

test("a call keeps the correlation id that came with it and sends nothing back", async () => {
  const call = testCall(method, { metadata: { [CORRELATION_ID_KEY]: "abc-123" } });
  await correlate()(call, done);
  assert.equal(call.correlationId, "abc-123");
  assert.deepEqual(call.sent, []);
});

test("a call without a correlation id gets one that tells the time", async () => {
  const startedAtMs = Date.UTC(2026, 4, 30);
  for (const metadata of [{}, { [CORRELATION_ID_KEY]: "" }]) {
    const call = testCall(method, { startedAtMs, metadata });
    await correlate()(call, done);
    assert.match(call.correlationId, /^[0-9A-HJKMNP-TV-Z]{26}$/);
    assert.equal(call.correlationId.slice(0, 10), new UlidSource().next(startedAtMs).slice(0, 10));
  }
});

test("identifiers differ and sort by time", () => {
  const ulids = new UlidSource();
  const many = Array.from({ length: 1000 }, () => ulids.next(5));
  assert.equal(new Set(many).size, many.length);
  assert.equal(ulids.next(0).slice(0, 10), "0000000000");
  // The example of the specification.
  assert.equal(ulids.next(1_469_918_176_385).slice(0, 10), "01ARYZ6S41");
  assert.equal(ulids.next(2 ** 48 - 1).slice(0, 10), "7ZZZZZZZZZ");
});
