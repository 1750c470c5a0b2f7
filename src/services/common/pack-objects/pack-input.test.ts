import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { PackInput } from "./pack-input.ts";

async function* chunks(count: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield Buffer.alloc(100_000, i);
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of source) all.push(chunk);
  return Buffer.concat(all);
}

for (const count of [0, 1, 10, 11, 40]) {
  test(`PackInput gives back ${count} chunks, more than once`, async () => {
    await using input = await PackInput.read("prefix", chunks(count));
    const expected = await collect(chunks(count));
    assert.ok((await collect(input.bytes())).equals(expected));
    assert.ok((await collect(input.bytes())).equals(expected));
    const hash = createHash("sha256").update("prefix").update(expected).digest("hex");
    assert.equal(input.sha256, hash);
  });
}

test("PackInput fails with its source", async () => {
  const source = async function* () {
    yield* chunks(20);
    throw new Error("gone");
  };
  await assert.rejects(PackInput.read("", source()), { message: "gone" });
});
