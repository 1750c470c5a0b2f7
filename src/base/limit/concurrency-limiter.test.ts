import assert from "node:assert/strict";
import { test } from "node:test";
import { AdaptiveLimit } from "./adaptive-limit.ts";
import {
  ConcurrencyLimiter,
  type LimiterOptions,
  type LimitMonitor,
} from "./concurrency-limiter.ts";

interface Recorder extends LimitMonitor {
  readonly events: string[];
}

function recorder(): Recorder {
  const events: string[] = [];
  return {
    events,
    queued: (_fields, key, length) => events.push(`queued ${key} ${length}`),
    dequeued: () => events.push("dequeued"),
    entered: (_fields, running) => events.push(`entered ${running}`),
    left: () => events.push("left"),
    dropped: (_fields, { key, queueLength, runningCount, reason }) =>
      events.push(`dropped ${key} ${queueLength} ${runningCount} ${reason}`),
  };
}

function setUp(options: Partial<LimiterOptions> & { readonly size?: number } = {}) {
  const limit = new AdaptiveLimit("test", { initial: options.size ?? 1, min: 0, max: 10 });
  const monitor = recorder();
  const limiter = new ConcurrencyLimiter({
    limit,
    queueSizeMax: 0,
    queueWaitMsMax: 0,
    monitor,
    ...options,
  });
  const enter = (key = "a", signal = new AbortController().signal) =>
    limiter.enter(key, { signal, fields: {} });
  return { limit, limiter, enter, events: monitor.events };
}

/** Whether a promise has settled once everything that could happen has. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  await new Promise((resolve) => setImmediate(resolve));
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

test("only so many get in at once for each key", async () => {
  const { enter, limiter } = setUp({ size: 2 });
  const [first, second, third] = [enter(), enter(), enter()];
  const other = await enter("b");
  assert.ok(await isSettled(first));
  assert.ok(await isSettled(second));
  assert.ok(!(await isSettled(third)));
  assert.equal(limiter.keyCount, 2);
  (await first)();
  assert.ok(await isSettled(third));
  for (const leave of [await second, await third, other]) leave();
  assert.equal(limiter.keyCount, 0);
});

test("the last to come is the first to go", async () => {
  const { enter } = setUp();
  const inside = await enter();
  const order: string[] = [];
  const waiting = ["first", "second"].map(async (name) => {
    const leave = await enter();
    order.push(name);
    leave();
  });
  inside();
  await Promise.all(waiting);
  assert.deepEqual(order, ["second", "first"]);
});

test("a full queue refuses at once", async () => {
  const { enter, events } = setUp({ queueSizeMax: 1 });
  const inside = await enter();
  const waiting = enter();
  await assert.rejects(enter(), {
    kind: "resource-exhausted",
    message: "maximum queue size reached",
    reason: "max_size",
  });
  inside();
  (await waiting)();
  assert.deepEqual(events, [
    "queued a 1",
    "dequeued",
    "entered 1",
    "queued a 1",
    "dropped a 1 1 max_size",
    "left",
    "dequeued",
    "entered 1",
    "left",
  ]);
});

test("who waits for too long is refused", async () => {
  const { enter, limiter, events } = setUp({ queueSizeMax: 1, queueWaitMsMax: 1 });
  const inside = await enter();
  await assert.rejects(enter(), {
    kind: "resource-exhausted",
    message: "maximum time in concurrency queue reached",
    reason: "max_time",
  });
  inside();
  assert.equal(limiter.keyCount, 0);
  assert.equal(events.at(-2), "dropped a 0 1 max_time");
  (await enter())();
});

test("who goes away leaves the queue", async () => {
  const { enter, limiter, events } = setUp({ queueSizeMax: 5 });
  const inside = await enter();
  const gone = new AbortController();
  const waiting = enter("a", gone.signal);
  const behind = enter();
  gone.abort();
  const refusal = {
    kind: "cancelled",
    message: "unexpected error when dequeueing request: context canceled",
  };
  await assert.rejects(waiting, refusal);
  inside();
  (await behind)();
  await assert.rejects(enter("a", gone.signal), refusal);
  assert.equal(events.at(-1), "dropped a 0 0 other");
  assert.equal(limiter.keyCount, 0);
});

test("a limit of 0 is none", async () => {
  const { enter, limiter, events } = setUp({ size: 0 });
  const leaves = await Promise.all([enter(), enter()]);
  for (const leave of leaves) leave();
  assert.equal(limiter.keyCount, 0);
  assert.deepEqual(events, []);
});

test("a limit that grows lets in who waits, one that shrinks lets nobody in", async () => {
  const { limit, enter } = setUp({ size: 2 });
  const inside = [await enter(), await enter()];
  const waiting = [enter(), enter()];
  limit.update(3);
  const last = waiting.pop();
  assert.ok(last !== undefined && (await isSettled(last)));
  const [first] = waiting;
  assert.ok(first !== undefined && !(await isSettled(first)));
  limit.update(1);
  for (const leave of [...inside]) leave();
  assert.ok(!(await isSettled(first)), "one is still inside");
  (await last)();
  (await first)();
});
