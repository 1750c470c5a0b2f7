import assert from "node:assert/strict";
import { Readable, Writable } from "node:stream";
import { test } from "node:test";
import { relay, sendTo } from "./relay.ts";

test("relay keeps a piece until it is sent, and no longer", async () => {
  const large = Buffer.alloc(64 * 1024, "x");
  const part = Buffer.alloc(128 * 1024, "y").subarray(1, 64 * 1024);
  const sizes: number[] = [];
  await relay(Readable.from([large, part]), async (piece) => {
    await new Promise((resolve) => setImmediate(resolve));
    sizes.push(piece.length);
  });
  assert.deepEqual(sizes, [64 * 1024, 64 * 1024 - 1]);
  assert.equal(large.buffer.byteLength, 0, "its memory is given back");
  assert.equal(part.length, 64 * 1024 - 1, "memory that others may share is not");
});

test("relay ends with what fails: the source or the way on", async () => {
  const failing = new Readable({
    read() {
      this.destroy(new Error("source"));
    },
  });
  await assert.rejects(
    relay(failing, async () => undefined),
    /source/,
  );
  const refuse = async (): Promise<void> => {
    throw new Error("no room");
  };
  await assert.rejects(relay(Readable.from([Buffer.from("x")]), refuse), /no room/);
});

test("sendTo settles when the sink has sent the last piece", async () => {
  const sent: string[] = [];
  const held: (() => void)[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      sent.push(chunk.toString());
      held.push(done);
    },
  });
  let settled = false;
  const sending = sendTo(sink, [Buffer.from("a"), Buffer.from("b")]).then(() => {
    settled = true;
  });
  while (held.length > 0) {
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(settled, false);
    held.shift()?.();
  }
  await sending;
  assert.deepEqual(sent, ["a", "b"]);
  await sendTo(sink, []);
});

test("sendTo rejects when the sink goes away", async () => {
  const sink = new Writable({ write: () => undefined });
  sink.on("error", () => undefined);
  const sending = sendTo(sink, [Buffer.from("a")]);
  sink.destroy(new Error("gone"));
  await assert.rejects(sending, /gone/);
  await assert.rejects(sendTo(sink, [Buffer.from("b")]), /gone/);
});
