import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { YamuxSession } from "./yamux-session.ts";

test("a stream's write is done when the connection has sent it, not before", async () => {
  const held: (() => void)[] = [];
  let sent = 0;
  const connection = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      sent += chunk.length;
      held.push(done);
    },
  });
  const session = new YamuxSession(connection, {
    side: "client",
    onStream: () => assert.fail("nobody opens streams"),
    acceptedStreamsMax: 0,
  });
  const stream = await session.open();
  const bytes = Buffer.alloc(100_000);
  let done = false;
  const writing = new Promise<void>((resolve) => {
    stream.write(bytes, () => {
      done = true;
      resolve();
    });
  });
  while (sent < bytes.length) {
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(done, false);
    held.shift()?.();
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(done, false, "the last piece is still on its way");
  held.shift()?.();
  await writing;
  // A write of nothing is done, too.
  await new Promise<void>((resolve) => {
    stream.write(Buffer.alloc(0), () => resolve());
  });
  session.destroy();
});
