import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { CorruptObjectError } from "../object/object-error.ts";
import { inflate, inflateChunks, inflatePrefix, inflateWhole } from "./inflate.ts";

const CONTENT = Buffer.concat([Buffer.from("text ".repeat(2000)), randomBytes(50_000)]);
const STREAM = deflateSync(CONTENT);
const { signal } = new AbortController();

async function collect(source: Iterable<Buffer>, size: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of inflateChunks(source, size, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function* pieces(stream: Buffer, length: number): Generator<Buffer> {
  for (let i = 0; i < stream.length; i += length) yield stream.subarray(i, i + length);
}

test("a stream inflates with whatever follows it", async () => {
  const input = Buffer.concat([STREAM, randomBytes(1000)]);
  assert.deepEqual(inflate(input, CONTENT.length), CONTENT);
  assert.deepEqual(await collect(pieces(input, 777), CONTENT.length), CONTENT);
  assert.deepEqual(inflate(deflateSync(Buffer.alloc(0)), 0), Buffer.alloc(0));
});

test("an input that ends too early asks for more", async () => {
  assert.equal(inflate(STREAM.subarray(0, 1000), CONTENT.length), undefined);
  const cut = collect(pieces(STREAM.subarray(0, 1000), 100), CONTENT.length);
  await assert.rejects(cut, CorruptObjectError);
});

test("a content of another size than announced is corrupt, and made no further", async () => {
  const bomb = deflateSync(Buffer.alloc(50_000_000));
  for (const [stream, size] of [
    [STREAM, CONTENT.length - 1],
    [STREAM, CONTENT.length + 1],
    [STREAM, 0],
    [bomb, 1000],
  ] as const) {
    assert.throws(() => inflate(stream, size), CorruptObjectError);
    await assert.rejects(collect(pieces(stream, 1000), size), CorruptObjectError);
  }
});

test("bytes that are no stream are corrupt", async () => {
  const noise = Buffer.from("certainly not a zlib stream");
  assert.throws(() => inflate(noise, 10), CorruptObjectError);
  assert.throws(() => inflatePrefix(noise), CorruptObjectError);
  assert.throws(() => inflateWhole(noise, 10), CorruptObjectError);
  await assert.rejects(collect([noise], 10), CorruptObjectError);
});

test("the start of a stream yields the start of its content", () => {
  const prefix = inflatePrefix(STREAM.subarray(0, 256));
  assert.ok(prefix.length > 20);
  assert.deepEqual(prefix, CONTENT.subarray(0, prefix.length));
});

test("a whole stream may not be followed by anything", () => {
  assert.deepEqual(inflateWhole(STREAM, CONTENT.length), CONTENT);
  const garbage = Buffer.concat([STREAM, Buffer.from("x")]);
  assert.throws(() => inflateWhole(garbage, CONTENT.length), CorruptObjectError);
});

test("inflating in chunks stops when it is aborted, and when nobody wants more", async () => {
  const controller = new AbortController();
  const chunks = inflateChunks(pieces(STREAM, 1000), CONTENT.length, controller.signal);
  await chunks.next();
  controller.abort(new Error("enough"));
  await assert.rejects(chunks.next(), /enough/);

  let pulled = 0;
  function* counted(): Generator<Buffer> {
    const noise = deflateSync(randomBytes(5_000_000));
    for (const piece of pieces(noise, 1000)) {
      pulled++;
      yield piece;
    }
  }
  for await (const chunk of inflateChunks(counted(), 5_000_000, signal)) {
    assert.ok(chunk.length > 0);
    break;
  }
  assert.ok(pulled < 2000, `${pulled} pieces were read ahead`);
});
