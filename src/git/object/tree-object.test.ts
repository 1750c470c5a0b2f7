import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestRepository } from "../../testing/git-repository.ts";
import { type ObjectFormat, parseOid } from "../oid/oid.ts";
import { CorruptObjectError } from "./object-error.ts";
import { hashObject } from "./object-hash.ts";
import {
  canonicalMode,
  compareTreeNames,
  encodeTree,
  findTreeEntry,
  type TreeEntry,
  treeEntries,
} from "./tree-object.ts";

const FORMATS: readonly ObjectFormat[] = ["sha1", "sha256"];

/** Names whose order differs between files and folders, and bytes that aren't UTF-8. */
const NAMES: readonly [mode: number, name: Buffer][] = [
  [0o100644, Buffer.from("foo-bar")],
  [0o040000, Buffer.from("foo")],
  [0o100755, Buffer.from("foo.c")],
  [0o100644, Buffer.from("foo0")],
  [0o120000, Buffer.from("link")],
  [0o160000, Buffer.from("module")],
  [0o100644, Buffer.from([0xff, 0x20, 0xfe])],
  [0o100664, Buffer.from("old mode")],
];

for (const format of FORMATS) {
  test(`a ${format} tree encodes to what git writes and reads back`, (t) => {
    const repository = createTestRepository(t, { format });
    const blob = repository.gitLine(["hash-object", "-w", "--stdin"], { input: "x" });
    const empty = repository.gitLine(["hash-object", "-t", "tree", "-w", "--stdin"]);
    const commit = repository.gitLine(["commit-tree", empty, "-m", "submodule"]);
    const entries = NAMES.map(([mode, name]): TreeEntry => {
      const oid = parseOid({ 4: empty, 14: commit }[mode >> 12] ?? blob);
      assert.ok(oid);
      return { mode, name, oid };
    }).sort(compareTreeNames);
    const content = encodeTree(entries);
    const lines = entries.map(({ mode, name, oid }) => {
      const type = { 4: "tree", 14: "commit" }[mode >> 12] ?? "blob";
      return Buffer.concat([Buffer.from(`${mode.toString(8)} ${type} ${oid}\t`), name, NUL]);
    });

    const made = repository.gitLine(["mktree", "-z", "--missing"], {
      input: Buffer.concat(lines.toReversed()),
    });

    assert.equal(hashObject("tree", content, format), made);
    assert.deepEqual([...treeEntries(content, format)], entries);
    for (const entry of entries) {
      assert.deepEqual(findTreeEntry(content, entry.name, 0, format)?.entry, entry);
    }
  });
}

const NUL = Buffer.alloc(1);

function tree(...entries: readonly [mode: string, name: string][]): Buffer {
  return Buffer.concat(
    entries.map(([mode, name]) => Buffer.concat([Buffer.from(`${mode} ${name}\0`), ID])),
  );
}

const ID = Buffer.alloc(20, 7);

test("a path is looked up one folder at a time", () => {
  const content = tree(["100644", "a"], ["100644", "dir-x"], ["40000", "dir"], ["100644", "z"]);
  const find = (path: string, start = 0): string | undefined => {
    const match = findTreeEntry(content, Buffer.from(path), start, "sha1");
    return match && `${match.entry.name.toString()} ${match.rest}`;
  };
  assert.equal(find("dir/sub/file"), "dir 4");
  assert.equal(find("dir/"), "dir 4");
  assert.equal(find("dir"), "dir 3");
  assert.equal(find("x/dir", 2), "dir 5");
  assert.equal(find("a/file"), undefined);
  assert.equal(find("di"), undefined);
  assert.equal(find("dirs"), undefined);
  assert.equal(find(""), undefined);
});

test("a damaged tree is corrupt", () => {
  const whole = tree(["100644", "a"], ["40000", "dir"]);
  const broken = [
    whole.subarray(0, whole.length - 1),
    whole.subarray(0, 3),
    tree(["", "a"]),
    tree(["10x644", "a"]),
    tree(["100644", ""]),
  ];
  for (const content of broken) {
    assert.throws(() => [...treeEntries(content, "sha1")], CorruptObjectError);
  }
  assert.deepEqual([...treeEntries(Buffer.alloc(0), "sha1")], []);
});

test("modes are shown as git shows them", () => {
  assert.equal(canonicalMode(0o100664), 0o100644);
  assert.equal(canonicalMode(0o100775), 0o100755);
  assert.equal(canonicalMode(0o120777), 0o120000);
  assert.equal(canonicalMode(0o040755), 0o040000);
  assert.equal(canonicalMode(0o000001), 0o160000);
});
