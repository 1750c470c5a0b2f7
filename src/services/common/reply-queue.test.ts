import assert from "node:assert/strict";
import { test } from "node:test";
import { ReplyQueue } from "./reply-queue.ts";

test("ReplyQueue settles what was put when it has been taken", async () => {
  const queue = new ReplyQueue<number>();
  const order: string[] = [];
  const producing = (async () => {
    for (const reply of [1, 2, 3]) {
      await queue.put(reply);
      order.push(`put ${reply}`);
    }
  })();
  for await (const reply of queue.drain(producing)) order.push(`taken ${reply}`);
  assert.deepEqual(order, ["taken 1", "put 1", "taken 2", "put 2", "taken 3", "put 3"]);
});

test("ReplyQueue joins several producers", async () => {
  const queue = new ReplyQueue<string>();
  const produce = async (name: string): Promise<void> => {
    for (let index = 0; index < 3; index++) await queue.put(`${name}${index}`);
  };
  const replies: string[] = [];
  for await (const reply of queue.drain(Promise.all([produce("a"), produce("b")]))) {
    replies.push(reply);
  }
  const of = (name: string): string[] => replies.filter((reply) => reply.startsWith(name));
  assert.deepEqual(of("a"), ["a0", "a1", "a2"]);
  assert.deepEqual(of("b"), ["b0", "b1", "b2"]);
});

test("ReplyQueue throws a producer's failure after its replies", async () => {
  const queue = new ReplyQueue<number>();
  const failing = queue.put(1).then(() => {
    throw new Error("broken");
  });
  const replies: number[] = [];
  await assert.rejects(async () => {
    for await (const reply of queue.drain(failing)) replies.push(reply);
  }, /broken/);
  assert.deepEqual(replies, [1]);
});

test("ReplyQueue refuses replies when nobody takes them any more", async () => {
  const queue = new ReplyQueue<number>();
  const outcomes: unknown[] = [];
  const offers = [1, 2, 3].map((reply) => queue.put(reply));
  for await (const _reply of queue.drain(Promise.all(offers))) break;
  for (const offer of offers) outcomes.push(await offer.then(() => "taken", String));
  assert.equal(outcomes.includes("taken"), false);
  await assert.rejects(queue.put(4), { kind: "cancelled" });
});
