import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { deflateSync } from "node:zlib";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { CorruptObjectError, ObjectTooLargeError } from "../object/object-error.ts";
import { Pack } from "./pack.ts";
import { ReaderResources } from "./reader-resources.ts";

/** An entry of a pack that git would never write. */
interface Entry {
  /** Number of the type: 1 commit, 2 tree, 3 blob, 4 tag, 6 delta by distance, 7 delta by id. */
  readonly type: number;
  /** What the head claims; the content's true length if it is left out. */
  readonly size?: number;
  /** What stands between head and stream, given where the entries so far begin. */
  readonly base?: (offsets: readonly number[]) => Buffer;
  readonly content?: Buffer;
  /** In the place of the deflated content. */
  readonly stream?: Buffer;
}

const { signal } = new AbortController();

/** Writes a pack and its index; the id of an entry is its number, twenty times. */
function openPack(t: TestContext, entries: readonly Entry[]): { pack: Pack; offsets: number[] } {
  const directory = temporaryDirectory(t);
  const offsets: number[] = [];
  const parts = [Buffer.from("PACK\0\0\0\x02"), uint32(entries.length)];
  for (const entry of entries) {
    const { content = Buffer.alloc(0) } = entry;
    const offset = Buffer.concat(parts).length;
    parts.push(head(entry.type, entry.size ?? content.length));
    parts.push(entry.base?.([...offsets, offset]) ?? Buffer.alloc(0));
    parts.push(entry.stream ?? deflateSync(content));
    offsets.push(offset);
  }
  const body = Buffer.concat(parts);
  const checksum = createHash("sha1").update(body).digest();
  writeFileSync(join(directory, "pack-x.pack"), Buffer.concat([body, checksum]));
  writeFileSync(join(directory, "pack-x.idx"), index(offsets, checksum));
  const pack = new Pack(directory, "pack-x", "sha1", new ReaderResources());
  t.after(() => pack.close());
  return { pack, offsets };
}

function index(offsets: readonly number[], checksum: Buffer): Buffer {
  const fanout = Array.from({ length: 256 }, (_, i) => uint32(Math.min(i + 1, offsets.length)));
  const parts = [
    Buffer.from([0xff, 0x74, 0x4f, 0x63, 0, 0, 0, 2]),
    ...fanout,
    ...offsets.map((_, i) => idOf(i)),
    ...offsets.map(() => uint32(0)),
    ...offsets.map(uint32),
    checksum,
    Buffer.alloc(20),
  ];
  return Buffer.concat(parts);
}

function idOf(entry: number): Buffer {
  return Buffer.alloc(20, entry);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function head(type: number, size: number): Buffer {
  let byte = (type << 4) | (size % 16);
  const bytes: number[] = [];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.push(byte | 0x80);
    byte = rest % 128;
  }
  return Buffer.from([...bytes, byte]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return [...bytes, rest];
}

/** A delta that appends an x. */
function appending(baseLength: number): Buffer {
  const copy = [0xb0, baseLength & 0xff, baseLength >> 8];
  return Buffer.from([...varint(baseLength), ...varint(baseLength + 1), ...copy, 1, 0x78]);
}

function byDistance(distance: number): () => Buffer {
  const bytes = [distance % 128];
  for (let rest = Math.floor(distance / 128); rest > 0; rest = Math.floor(rest / 128)) {
    rest--;
    bytes.unshift((rest % 128) | 0x80);
  }
  return () => Buffer.from(bytes);
}

/** Asserts that whatever is asked of the last entry fails with this error. */
async function assertRefused(
  t: TestContext,
  entries: readonly Entry[],
  error: new (...args: never[]) => Error,
): Promise<void> {
  const { pack, offsets } = openPack(t, entries);
  const offset = offsets.at(-1) ?? 0;
  assert.throws(() => pack.read(offset, 1_000_000), error);
  await assert.rejects(pack.load(offset, 1_000_000, signal), error);
  await assert.rejects(async () => {
    const stream = await pack.stream(offset, 1_000_000, signal);
    for await (const chunk of stream.chunks) assert.ok(chunk.length > 0);
  }, error);
}

test("a chain of deltas of both kinds is resolved", async (t) => {
  const content = Buffer.from("base ");
  const { pack, offsets } = openPack(t, [
    { type: 3, content },
    { type: 7, base: () => idOf(0), content: appending(5) },
    { type: 6, base: (all) => byDistance((all[2] ?? 0) - (all[1] ?? 0))(), content: appending(6) },
  ]);
  const offset = offsets[2] ?? 0;
  assert.deepEqual(pack.header(offset), { type: "blob", size: 7 });
  assert.equal(pack.read(offset, 100).content.toString(), "base xx");
  assert.equal((await pack.load(offset, 100, signal)).content.toString(), "base xx");
});

test("deltas that form a loop are corrupt", async (t) => {
  const content = appending(5);
  await assertRefused(t, [{ type: 7, base: () => idOf(0), content }], CorruptObjectError);
  await assertRefused(
    t,
    [
      { type: 7, base: () => idOf(1), content },
      { type: 7, base: () => idOf(0), content },
    ],
    CorruptObjectError,
  );
});

test("a base that isn't in the pack is corrupt", async (t) => {
  const content = appending(5);
  for (const distance of [0, 1, 12, 100, 2 ** 40]) {
    const entry = { type: 6, base: byDistance(distance), content };
    await assertRefused(t, [{ type: 3, content }, entry], CorruptObjectError);
  }
  await assertRefused(t, [{ type: 7, base: () => idOf(9), content }], CorruptObjectError);
});

test("an unknown type, a size without end and a cut entry are corrupt", async (t) => {
  for (const type of [0, 5]) await assertRefused(t, [{ type }], CorruptObjectError);
  const endless = Buffer.alloc(40, 0xff);
  await assertRefused(t, [{ type: 3, size: 200, stream: endless }], CorruptObjectError);
  const base = (): Buffer => endless;
  await assertRefused(t, [{ type: 6, base, stream: endless }], CorruptObjectError);
  const whole = deflateSync(randomBytes(1000));
  const stream = whole.subarray(0, 500);
  await assertRefused(t, [{ type: 3, size: 1000, stream }], CorruptObjectError);
});

test("an object of another size than announced is corrupt, a bomb isn't inflated", async (t) => {
  const content = Buffer.alloc(200_000_000);
  const stream = deflateSync(content);
  for (const size of [0, 1, 5000]) {
    await assertRefused(t, [{ type: 3, size, stream }], CorruptObjectError);
  }
  await assertRefused(
    t,
    [{ type: 3, size: 900_000, stream: deflateSync(Buffer.alloc(5)) }],
    CorruptObjectError,
  );
});

test("an object that is too large, or claims to be, is refused before it is made", async (t) => {
  const { pack, offsets } = openPack(t, [
    { type: 3, size: 2 ** 45, stream: deflateSync(Buffer.alloc(9)) },
  ]);
  const [offset = 0] = offsets;
  assert.throws(() => pack.read(offset, 1000), ObjectTooLargeError);
  await assert.rejects(pack.load(offset, 1000, signal), ObjectTooLargeError);
  // Claims of a delta about its result count as well.
  const huge = Buffer.from([...varint(5), ...varint(2 ** 45), 1, 0x78]);
  const base = { type: 3, content: Buffer.from("base ") };
  const delta = { type: 7, base: () => idOf(0), content: huge };
  await assertRefused(t, [base, delta], ObjectTooLargeError);
  // And so does what is needed on the way.
  const large = { type: 3, content: Buffer.alloc(2_000_000) };
  const cut = Buffer.from([...varint(2_000_000), ...varint(1), 1, 0x78]);
  await assertRefused(
    t,
    [large, { type: 7, base: () => idOf(0), content: cut }],
    ObjectTooLargeError,
  );
});

test("a stream in an odd but valid shape is read", (t) => {
  // Much longer than zlib makes it: many empty blocks before the content.
  const content = Buffer.from("content");
  const empty = Buffer.from([0, 0, 0, 0xff, 0xff]);
  const plain = deflateSync(content, { level: 0 });
  const padded = Buffer.concat([plain.subarray(0, 2), ...Array(30).fill(empty), plain.subarray(2)]);
  const { pack, offsets } = openPack(t, [{ type: 3, size: content.length, stream: padded }]);
  assert.equal(pack.read(offsets[0] ?? 0, 100).content.toString(), "content");
});

test("loading is given up when it is aborted", async (t) => {
  const content = randomBytes(3_000_000);
  const { pack, offsets } = openPack(t, [{ type: 3, content }]);
  const controller = new AbortController();
  const loading = pack.load(offsets[0] ?? 0, 5_000_000, controller.signal);
  controller.abort(new Error("no longer wanted"));
  await assert.rejects(loading, /no longer wanted/);
});
