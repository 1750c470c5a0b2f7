import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import {
  createTestRepository,
  findTestGit,
  type TestRepository,
} from "../../testing/git-repository.ts";
import { encodeLooseObject } from "../object/loose-encoding.ts";
import type { ObjectDatabase } from "../object/object-database.ts";
import { hashObject } from "../object/object-hash.ts";
import type { ObjectType } from "../object/object-type.ts";
import { encodeTree } from "../object/tree-object.ts";
import { type ObjectFormat, type Oid, parseOid } from "../oid/oid.ts";
import { bytesFromBinary } from "../ref/binary-string.ts";
import { RepositoryCache } from "../repository/repository-cache.ts";
import { type EntryValue, TreeEditor, type TreeWriter } from "./tree-editor.ts";

interface SetUp {
  readonly repository: TestRepository;
  readonly objects: ObjectDatabase;
  readonly writer: TreeWriter;
  blob(content: string): Oid;
  /** Mode, path and content of all files of a tree, as git lists them. */
  files(tree: Oid): string[];
}

function setUp(t: TestContext, format: ObjectFormat = "sha1"): SetUp {
  const repository = createTestRepository(t, { format });
  const cache = new RepositoryCache();
  t.after(() => cache.close());
  const { objects } = cache.open(repository.path);
  return {
    repository,
    objects,
    writer: { write: async (type, content) => writeObject(repository, type, content) },
    blob: (content) =>
      oidOf(repository.gitLine(["hash-object", "-w", "--stdin"], { input: content })),
    files: (tree) =>
      repository.gitLines(["ls-tree", "-r", "--format=%(objectmode) %(path) %(objectname)", tree]),
  };
}

/** Writes whatever it is told to, unlike git. */
function writeObject({ path, format }: TestRepository, type: ObjectType, content: Uint8Array): Oid {
  const oid = hashObject(type, content, format);
  const file = join(path, "objects", oid.slice(0, 2), oid.slice(2));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, encodeLooseObject(type, content));
  return oid;
}

function oidOf(text: string): Oid {
  const oid = parseOid(text);
  assert(oid !== undefined);
  return oid;
}

function file(oid: Oid, mode = 0o100644): EntryValue {
  return { mode, oid, type: "blob" };
}

const FORMATS = ["sha1", "sha256"] as const;

for (const format of FORMATS) {
  test(`${format}: edits in any order give the tree that git lists`, async (t) => {
    const { repository, objects, writer, files, blob } = setUp(t, format);
    const oids = ["one", "two", "three"].map(blob);
    const name = fc.constantFrom("a", "b", "a.b", "a-b", "a0", "\xe4");
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
    const edit = fc.record({ path, oid: fc.constantFrom(...oids), isAdded: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { maxLength: 20 }), fc.nat(20), async (edits, cut) => {
        const model = new Map<string, Oid>();
        let editor = new TreeEditor(objects);
        for (const [index, { path: at, oid, isAdded }] of edits.entries()) {
          // Somewhere on the way what was done so far is read back.
          if (index === cut) editor = new TreeEditor(objects, await editor.write(writer));
          applyEdit(editor, model, at, oid, isAdded);
        }
        const tree = await editor.write(writer);
        const expected = [...model].map(([at, oid]) => `100644 ${quoted(at)} ${oid}`);
        assert.deepEqual(files(tree).sort(), expected.sort());
      }),
      { numRuns: 30, seed: 3 },
    );
    repository.git(["fsck", "--strict"]);
  });
}

/** Does the same to an editor and to a list of files, as far as it can be done. */
function applyEdit(
  editor: TreeEditor,
  model: Map<string, Oid>,
  path: string,
  oid: Oid,
  isAdded: boolean,
): void {
  const below = [...model.keys()].filter((other) => other.startsWith(`${path}/`));
  const isBlocked = [...model.keys()].some((other) => path.startsWith(`${other}/`));
  if (isAdded) {
    // A file on the way isn't replaced; that is another test.
    if (isBlocked) return;
    if (model.has(path)) {
      assert.throws(() => editor.add(path, file(oid), { replaceFolder: true }), {
        message: "entry already exists",
      });
      return;
    }
    editor.add(path, file(oid), { replaceFolder: true });
    for (const other of below) model.delete(other);
    model.set(path, oid);
  } else if (model.has(path) || below.length > 0) {
    editor.delete(path);
    for (const other of [path, ...below]) model.delete(other);
  } else {
    assert.throws(() => editor.delete(path), { message: "entry not found" });
  }
}

function quoted(path: string): string {
  return path.includes("\xe4") ? `"${path.replaceAll("\xe4", "\\344")}"` : path;
}

test("only folders that have changed are written", async (t) => {
  const { objects, writer, blob } = setUp(t);
  const first = new TreeEditor(objects);
  first.add("a/b/file", file(blob("one")));
  first.add("c/d/file", file(blob("one")));
  const tree = await first.write(writer);
  const written: string[] = [];
  const counting = {
    write: (type: ObjectType, content: Uint8Array): Promise<Oid> => {
      written.push(type);
      return writer.write(type, content);
    },
  };
  const second = new TreeEditor(objects, tree);
  assert.equal(await second.write(counting), tree);
  assert.equal(written.length, 0);
  second.modify("a/b/file", (entry) => {
    entry.mode = 0o100755;
  });
  await second.write(counting);
  assert.equal(written.length, 3);
});

test("entries are found with their values", async (t) => {
  const { objects, writer, blob } = setUp(t);
  const oid = blob("one");
  const first = new TreeEditor(objects);
  first.add("dir/file", file(oid, 0o100755));
  first.add("module", { mode: 0o160000, oid, type: "commit" });
  const editor = new TreeEditor(objects, await first.write(writer));
  const { mode, type, oid: found } = editor.find("dir/file") ?? {};
  assert.deepEqual({ mode, type, oid: found }, { mode: 0o100755, type: "blob", oid });
  assert.equal(editor.find("dir")?.type, "tree");
  assert.equal(editor.find("module")?.type, "commit");
  assert.equal(editor.find(".")?.type, "tree");
  for (const path of ["dir/other", "other/file", "dir/file/more", "module/file"]) {
    assert.equal(editor.find(path), undefined, path);
  }
});

test("paths are refused that can't be in a tree", (t) => {
  const { objects, blob } = setUp(t);
  const editor = new TreeEditor(objects);
  for (const [path, message] of [
    ["", "path is empty"],
    [".", "path is empty"],
    ["a/..", "path is empty"],
    ["../a", "path contains traversal"],
    ["a/../../b", "path contains traversal"],
    ["..a", "path contains traversal"],
    ["/a", "path is absolute"],
    [".git", "disallowed path"],
    [".git/hooks", "disallowed path"],
  ] as const) {
    const problem = { name: "TreeEditError", problem: message, message };
    assert.throws(() => editor.add(path, file(blob("one"))), problem, path);
    assert.throws(() => editor.modify(path, () => {}), problem, path);
    assert.throws(() => editor.delete(path), problem, path);
  }
  editor.add("a//b/./c/", file(blob("one")));
  assert.equal(editor.find("a/b/c")?.type, "blob");
});

test("an entry without a type and a submodule give way to a file", async (t) => {
  const { objects, writer, blob, files } = setUp(t);
  const oid = blob("one");
  const editor = new TreeEditor(objects);
  for (const type of [undefined, "commit"] as const) {
    const path = `path-${type}`;
    editor.add(path, { mode: 0o160000, oid, type });
    editor.add(path, file(oid));
  }
  assert.deepEqual(files(await editor.write(writer)), [
    `100644 path-commit ${oid}`,
    `100644 path-undefined ${oid}`,
  ]);
});

test("a file below a file isn't written", async (t) => {
  const { objects, writer, blob } = setUp(t);
  const editor = new TreeEditor(objects);
  editor.add("file", file(blob("one")));
  editor.add("file/below", file(blob("one")));
  const problem = { name: "MalformedTreeError", message: "writing tree: exit status 128" };
  await assert.rejects(editor.write(writer), problem);
  editor.delete("file/below");
  assert.equal(editor.find("file"), undefined);
});

test("trees are refused that git refuses to write, and no others", async (t) => {
  const { repository, objects, writer, blob } = setUp(t);
  const oid = blob("one");
  const names = [
    ".GIT",
    ".git ",
    ".git.",
    ".git...",
    ".git::$INDEX_ALLOCATION",
    ".gitx",
    "git~1",
    "GIT~1",
    "git~2",
    "git",
    ".g\u200cit",
    ".git\u200d",
    "\u200e.git",
    ".gıt",
    ".git\xff",
    "x\\.git",
    "x\\git~1\\y",
    ".git\\foo",
    ".gitmodules",
    ".GITmodules ",
    "gitmod~1",
    "gitmod~5",
    "gi7eba~1",
    "gi7eb~10",
    "~1000000",
    "x\\.gitmodules",
    "x\\.gitattributes",
    ".gitattributes",
    ".gitignore",
    ".mailmap",
    "maba30~1",
    "maba30~1 .",
    "mailma~1",
    "...",
    "a\nb",
    "x".repeat(4096),
    "x".repeat(4097),
  ];
  const refused: string[] = [];
  for (const [text, mode] of names.flatMap((name) => [
    [name, 0o100644] as const,
    [name, 0o120000] as const,
  ])) {
    const bytes = text.endsWith("\xff") ? bytesFromBinary(text) : Buffer.from(text);
    const name = bytes.toString("latin1");
    const editor = new TreeEditor(objects);
    editor.add(`dir/${name}`, file(oid, mode));
    const written = await editor.write(writer).then(
      () => true,
      () => false,
    );
    assert.equal(written, gitWrites(repository, encodeTree([{ mode, name: bytes, oid }])), name);
    if (!written) refused.push(name);
  }
  assert(refused.length > 20);
});

function gitWrites({ path }: TestRepository, input: Buffer): boolean {
  const args = ["-C", path, "hash-object", "-t", "tree", "--stdin"];
  return spawnSync(findTestGit(), args, { input }).status === 0;
}
