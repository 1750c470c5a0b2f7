import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { frameMessage, MessageDecoder } from "./message-frame.ts";

test("messages come out as they went in, however the bytes are cut", () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 });
  const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 });
  fc.assert(
    fc.property(messages, cuts, (sent, sizes) => {
      const bytes = Buffer.concat(sent.map((message) => frameMessage(message)));
      const decoder = new MessageDecoder(40);
      const received: Buffer[] = [];
      for (let offset = 0, turn = 0; offset < bytes.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        received.push(...decoder.push(bytes.subarray(offset, offset + size)));
        offset += size;
      }
      assert.deepEqual(
        received.map(String),
        sent.map((message) => String(Buffer.from(message))),
      );
      assert.equal(decoder.unfinished, false);
    }),
  );
});

test("a message that is cut short leaves the decoder unfinished", () => {
  const frame = frameMessage(Buffer.from("message"));
  for (let length = 1; length < frame.length; length += 1) {
    const decoder = new MessageDecoder(100);
    assert.deepEqual(decoder.push(frame.subarray(0, length)), []);
    assert.equal(decoder.unfinished, true);
  }
});

test("an oversized or compressed message is refused at its header", () => {
  const oversized = frameMessage(Buffer.alloc(11)).subarray(0, 5);
  assert.throws(() => new MessageDecoder(10).push(oversized), { kind: "resource-exhausted" });
  const compressed = Buffer.from([1, 0, 0, 0, 1]);
  assert.throws(() => new MessageDecoder(10).push(compressed), { kind: "internal" });
});
