import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { readHookedPack } from "./pack-channel.ts";

function frame(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, Buffer.from(text)]);
}

/** A channel on which the hook says `bytes`, so many at a time, and goes away. */
function channelOf(bytes: Buffer, size = bytes.length || 1): Duplex {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return Duplex.from(async function* () {
    yield* chunks;
  });
}

async function read(channel: Duplex) {
  const pack = await readHookedPack(channel);
  if (pack === undefined) return undefined;
  let input = "";
  for await (const chunk of pack.input) input += Buffer.from(chunk).toString();
  return { args: pack.args, input };
}

test("readHookedPack reads arguments and input, in any chunks", async () => {
  const args = frame("--shallow-file\0\0pack-objects\0");
  const said = Buffer.concat([args, frame("one\n"), frame("two\n"), frame("")]);
  const expected = { args: ["--shallow-file", "", "pack-objects"], input: "one\ntwo\n" };
  for (const size of [1, 3, said.length]) {
    assert.deepEqual(await read(channelOf(said, size)), expected);
  }
  const silent = Buffer.concat([args, frame("")]);
  assert.deepEqual(await read(channelOf(silent)), { ...expected, input: "" });
});

test("readHookedPack finds nothing where git ends without a pack", async () => {
  assert.equal(await read(channelOf(Buffer.alloc(0))), undefined);
});

test("readHookedPack fails with a hook that goes away or breaks the rules", async () => {
  const gone = { kind: "cancelled", message: "hook has gone away" };
  await assert.rejects(read(channelOf(Buffer.concat([frame("a\0"), frame("one")]))), gone);
  await assert.rejects(read(channelOf(frame("a\0").subarray(0, 5))), gone);
  const tooLong = Buffer.from([0x7f, 0xff, 0xff, 0xff]);
  await assert.rejects(read(channelOf(tooLong)), { message: "hook's frame is too long" });
});
