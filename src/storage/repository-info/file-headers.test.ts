import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { readBitmapInfo } from "./bitmap-info.ts";
import { readCommitGraphInfo } from "./commit-graph-info.ts";
import { readMultiPackIndexInfo } from "./multi-pack-index-info.ts";

function fileWith(t: TestContext, content: Uint8Array | string): string {
  const path = join(temporaryDirectory(t), "file");
  writeFileSync(path, content);
  return path;
}

/** An entry in a table of contents. */
function chunk(id: string): Buffer {
  return Buffer.concat([Buffer.from(id), Buffer.alloc(8)]);
}

test("readBitmapInfo reads the header of a bitmap", (t) => {
  const header = (flags: number): string =>
    fileWith(t, Buffer.of(0x42, 0x49, 0x54, 0x4d, 0, 1, 0, flags, 9, 9));
  const nothing = { version: 1, hasHashCache: false, hasLookupTable: false };
  assert.deepEqual(readBitmapInfo(header(0x1)), nothing);
  assert.deepEqual(readBitmapInfo(header(0x5)), { ...nothing, hasHashCache: true });
  assert.deepEqual(readBitmapInfo(header(0x11)), { ...nothing, hasLookupTable: true });
});

test("readBitmapInfo refuses what is no bitmap", (t) => {
  const cases = [
    ["", "reading bitmap header: EOF"],
    ["BITM\0\x01\0", "reading bitmap header: unexpected EOF"],
    ["BIT\n\0\x01\0\0", 'invalid bitmap signature: "BIT\\n"'],
    ["BITM\0\x02\0\0", "unsupported version: 2"],
  ] as const;
  for (const [content, message] of cases) {
    assert.throws(() => readBitmapInfo(fileWith(t, content)), { message });
  }
  assert.throws(() => readBitmapInfo("/missing/file"), {
    message: "opening bitmap: open /missing/file: no such file or directory",
  });
});

test("readMultiPackIndexInfo reads header and chunks", (t) => {
  const header = Buffer.from([0x4d, 0x49, 0x44, 0x58, 1, 1, 3, 0, 0, 0, 1, 2]);
  const plain = [header, chunk("PNAM"), chunk("OIDF"), chunk("OOFF")];
  assert.deepEqual(readMultiPackIndexInfo(fileWith(t, Buffer.concat(plain))), {
    version: 1,
    packfileCount: 258,
    hasLargeOffsets: false,
    hasBitmappedPacks: false,
    hasReverseIndex: false,
  });
  const full = [header, chunk("LOFF"), chunk("BTMP"), chunk("RIDX")];
  assert.deepEqual(readMultiPackIndexInfo(fileWith(t, Buffer.concat(full))), {
    version: 1,
    packfileCount: 258,
    hasLargeOffsets: true,
    hasBitmappedPacks: true,
    hasReverseIndex: true,
  });
});

test("readMultiPackIndexInfo refuses what is no multi-pack-index", (t) => {
  const cases = [
    ["MIDX", "reading header: unexpected EOF"],
    ["MIDY\x01\x01\0\0\0\0\0\0", 'invalid signature: "MIDY"'],
    ["MIDX\x02\x01\0\0\0\0\0\0", "invalid version: 2"],
    ["MIDX\x01\x01\0\x03\0\0\0\0", "unsupported number of base files: 3"],
    ["MIDX\x01\x01\x01\0\0\0\0\0", "reading table of contents: EOF"],
  ] as const;
  for (const [content, message] of cases) {
    assert.throws(() => readMultiPackIndexInfo(fileWith(t, content)), { message });
  }
  assert.throws(() => readMultiPackIndexInfo("/missing/file"), {
    message: "opening multi-pack-index: open /missing/file: no such file or directory",
  });
});

/** A repository with files below `objects/info`, as far as commit-graphs are concerned. */
function withGraphs(t: TestContext, files: Readonly<Record<string, Uint8Array | string>>): string {
  const repository = temporaryDirectory(t);
  for (const [name, content] of Object.entries(files)) {
    const path = join(repository, "objects/info", name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return repository;
}

function graph(...ids: readonly string[]): Buffer {
  const header = Buffer.from([0x43, 0x47, 0x50, 0x48, 1, 1, ids.length, 0]);
  return Buffer.concat([header, ...ids.map(chunk), Buffer.alloc(12)]);
}

test("readCommitGraphInfo sums up a chain, whatever of it has vanished", (t) => {
  assert.equal(readCommitGraphInfo(withGraphs(t, {})), undefined);
  const repository = withGraphs(t, {
    "commit-graph": "not looked at",
    "commit-graphs/commit-graph-chain": "a\nb\nc\n",
    "commit-graphs/graph-a.graph": graph("OIDF", "BIDX", "BDAT"),
    "commit-graphs/graph-c.graph": graph("OIDF", "GDA2", "GDO2", "BIDX"),
  });
  assert.deepEqual(readCommitGraphInfo(repository), {
    chainLength: 3,
    hasBloomFilters: true,
    hasGenerationData: true,
    hasGenerationDataOverflow: true,
  });
});

test("readCommitGraphInfo refuses what is no commit-graph", (t) => {
  const cases = [
    ["", (name: string) => `read commit graph file ${name} header: EOF`],
    ["CGPH", (name: string) => `commit graph file ${name} is too small, no header`],
    ["CGPX\x01\x01\0\0", (name: string) => `commit graph file ${name} doesn't have signature`],
    [
      "CGPH\x02\x01\0\0",
      (name: string) => `commit graph file ${name} has unsupported version number: 2`,
    ],
    [
      "CGPH\x01\x01\0\0",
      (name: string) => `read commit graph file ${name} table of contents for the chunks: EOF`,
    ],
    [
      "CGPH\x01\x01\0\0BIDX",
      (name: string) => `commit graph file ${name} is too small, no table of contents`,
    ],
  ] as const;
  for (const [content, message] of cases) {
    const repository = withGraphs(t, { "commit-graph": content });
    const name = `"${repository}/objects/info/commit-graph"`;
    assert.throws(() => readCommitGraphInfo(repository), { message: message(name) });
  }
});
