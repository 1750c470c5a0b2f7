import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ChangedPathsReader } from "./changed-paths-reader.ts";
import { NumStatReader } from "./numstat-reader.ts";
import { type CommitPair, RangeDiffReader } from "./range-diff-reader.ts";

interface Reader<Item> {
  push(chunk: Buffer): Iterable<Item>;
  end?(): Iterable<Item>;
}

/** Reads a binary string in chunks; what was thrown comes last. */
function readAll<Item>(reader: Reader<Item>, text: string, chunkBytes = 1_000_000): unknown[] {
  const data = Buffer.from(text, "latin1");
  const items: unknown[] = [];
  try {
    for (let start = 0; start < data.length; start += chunkBytes) {
      for (const item of reader.push(data.subarray(start, start + chunkBytes))) items.push(item);
    }
    for (const item of reader.end?.() ?? []) items.push(item);
  } catch (error) {
    items.push(String(error));
  }
  return items;
}

const ONE = "1".repeat(40);
const TWO = "2".repeat(40);
const ZERO = "0".repeat(40);

test("NumStatReader reads counts, binary files and renames", () => {
  const text = "1\t2\ta\tb\n\xff\0-\t-\tbinary\x003\t0\t\0old\0new\0cut off";
  assert.deepEqual(readAll(new NumStatReader(), text), [
    { path: "a\tb\n\xff", oldPath: "", additions: 1, deletions: 2 },
    { path: "binary", oldPath: "", additions: 0, deletions: 0 },
    { path: "new", oldPath: "old", additions: 3, deletions: 0 },
  ]);
  for (const [wrong, problem] of [
    ["nonsense\0", 'error parsing "nonsense\\x00"'],
    ["x\t1\ta\0", 'error converting diff num stat: strconv.ParseInt: parsing "x": invalid syntax'],
    [
      "1\t2147483648\ta\0",
      'error converting diff num stat: strconv.ParseInt: parsing "2147483648": value out of range',
    ],
  ] as const) {
    assert.deepEqual(readAll(new NumStatReader(), wrong), [`DiffFormatError: ${problem}`]);
  }
});

test("ChangedPathsReader reads changes of commits and merges", () => {
  const merge = `::100644 100755 100644 ${ONE} ${TWO} ${ZERO} MR\0merged\0`;
  const text = [
    `${ONE}\0:100644 100644 ${ONE} ${TWO} M\0a:b\xff\0`,
    `:100644 100644 ${ONE} ${TWO} R087\0old\0new\0`,
    `${TWO}\0${merge}`,
  ].join("");
  const modes = { oldMode: 0o100644, newMode: 0o100644 };
  const change = { ...modes, oldBlobId: ONE, newBlobId: TWO, commitId: ONE, oldPath: "" };
  const merged = { ...change, path: "merged", newBlobId: ZERO, commitId: TWO };
  assert.deepEqual(readAll(new ChangedPathsReader(true), text), [
    { ...change, status: "M", path: "a:b\xff" },
    { ...change, status: "R", path: "new", oldPath: "old" },
    { ...merged, status: "M" },
    { ...merged, status: "R", oldMode: 0o100755, oldBlobId: TWO },
  ]);
  const [first] = readAll(new ChangedPathsReader(false), text);
  assert.deepEqual(first, { ...change, status: "M", path: "a:b\xff", commitId: "" });
  assert.deepEqual(readAll(new ChangedPathsReader(false), ":1 2 X\0"), [
    "DiffFormatError: next path err: git diff-tree parsing failed on: [49 32 50 32 88 0]",
  ]);
});

test("RangeDiffReader reads pairs with what differs in them", () => {
  const dashes = "-".repeat(40);
  const text = [
    ` 1:  ${ONE} =  9:  ${TWO} same \xff`,
    ` 2:  ${ONE} ! 10:  ${TWO} changed`,
    "    @@ Metadata",
    "     Author",
    `12:  ${ONE} <  -:  ${dashes} gone`,
    ` -:  ${dashes} > 11:  ${TWO} new`,
  ].join("\n");
  const patch = Buffer.alloc(0);
  const expected: CommitPair[] = [
    { fromCommit: ONE, toCommit: TWO, comparison: "=", title: "same \xff", patch },
    {
      fromCommit: ONE,
      toCommit: TWO,
      comparison: "!",
      title: "changed",
      patch: Buffer.from("@@ Metadata\n Author\n"),
    },
    { fromCommit: ONE, toCommit: dashes, comparison: "<", title: "gone", patch },
    { fromCommit: dashes, toCommit: TWO, comparison: ">", title: "new", patch },
  ];
  assert.deepEqual(readAll(new RangeDiffReader(), text), expected);
  assert.deepEqual(readAll(new RangeDiffReader(), `${text}\n`), expected);
  assert.deepEqual(readAll(new RangeDiffReader(), "nonsense"), [
    "DiffFormatError: range-diff commit pair not found, current line: nonsense",
  ]);
  assert.deepEqual(readAll(new RangeDiffReader(), `1:  ${ONE} ! 1:  ${TWO} x\n\n`), [
    "DiffFormatError: range-diff patch data too short, line size: 0",
  ]);
});

test("the readers don't care where chunks end, and survive any bytes", () => {
  const pieces = fc.array(
    fc.constantFrom(
      ...["\0", "\t", "\n", " ", ":", "::", "1\t2\t", "path\0", "x", "\xff"],
      ...[`${ONE}\0`, `:100644 100644 ${ONE} ${TWO} M\0`, `:100644 0 ${ONE} ${TWO} R9\0`],
      ...[`1:  ${ONE} ! 1:  ${TWO} x\n`, `1:  ${ONE} = 1:  ${TWO} x\n`, "     line\n"],
    ),
  );
  const readers: readonly (() => Reader<unknown>)[] = [
    () => new NumStatReader(),
    () => new ChangedPathsReader(true),
    () => new RangeDiffReader(),
  ];
  fc.assert(
    fc.property(pieces, fc.integer({ min: 1, max: 50 }), (parts, chunkBytes) => {
      const text = parts.join("");
      for (const make of readers) {
        assert.deepEqual(readAll(make(), text, chunkBytes), readAll(make(), text));
      }
    }),
  );
});
