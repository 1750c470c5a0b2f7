import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { createTestRepository, type TestRepository } from "../../testing/git-repository.ts";
import { encodeLooseObject } from "../object/loose-encoding.ts";
import type { ObjectDatabase } from "../object/object-database.ts";
import { hashObject } from "../object/object-hash.ts";
import { encodeTree } from "../object/tree-object.ts";
import { type ObjectFormat, type Oid, parseOid } from "../oid/oid.ts";
import { RepositoryCache } from "../repository/repository-cache.ts";
import { mergeByPath } from "./merge-by-path.ts";
import type { TreeWriter } from "./tree-editor.ts";

/** Contents of files by their paths. A mode may stand in front of a content. */
type Files = ReadonlyMap<string, string>;

interface Sides {
  readonly base: Files;
  readonly ours: Files;
  readonly theirs: Files;
}

interface SetUp {
  readonly repository: TestRepository;
  readonly objects: ObjectDatabase;
  readonly writer: TreeWriter;
}

function setUp(t: TestContext, format: ObjectFormat = "sha1"): SetUp {
  const repository = createTestRepository(t, { format });
  const cache = new RepositoryCache();
  t.after(() => cache.close());
  const { objects } = cache.open(repository.path);
  const write: TreeWriter["write"] = async (type, content) => {
    const oid = hashObject(type, content, format);
    const file = join(repository.path, "objects", oid.slice(0, 2), oid.slice(2));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, encodeLooseObject(type, content));
    return oid;
  };
  return { repository, objects, writer: { write } };
}

/** Commits all sides of all cases; the commits are named `refs/heads/<case>-<side>`. */
function commitAll({ git }: TestRepository, cases: readonly Sides[]): void {
  const stream = cases.flatMap((sides, index) =>
    (["base", "ours", "theirs"] as const).flatMap((side) => [
      `commit refs/heads/${index}-${side}`,
      "committer C <c@example.com> 1700000000 +0000",
      "data 0",
      ...(side === "base" ? [] : [`from refs/heads/${index}-base`]),
      "deleteall",
      ...[...sides[side]].flatMap(([path, content]) => [
        `M ${content.startsWith("#!") ? "100755" : "100644"} inline ${path}`,
        `data ${Buffer.byteLength(content)}`,
        content,
      ]),
    ]),
  );
  git(["fast-import", "--quiet"], { input: `${stream.join("\n")}\n` });
}

/** What was merged without git; undefined when it wouldn't be. */
async function mergeCase(
  { repository, objects, writer }: SetUp,
  index: number,
): Promise<Oid | undefined> {
  const revisions = ["base", "ours", "theirs"].map((side) => `refs/heads/${index}-${side}^{tree}`);
  const [base, ours, theirs] = repository
    .gitLines(["rev-parse", ...revisions])
    .map((line) => parseOid(line));
  assert(base !== undefined && ours !== undefined && theirs !== undefined);
  return mergeByPath(objects, writer, { base, ours, theirs });
}

/** What git makes of it; fails when there are conflicts. */
function gitMerge({ gitLine }: TestRepository, index: number): string {
  const [ours, theirs] = [`refs/heads/${index}-ours`, `refs/heads/${index}-theirs`];
  return gitLine(["merge-tree", "--write-tree", ours, theirs]);
}

function files(contents: Readonly<Record<string, string>>): Files {
  return new Map(Object.entries(contents));
}

const LINES = "one\ntwo\nthree\nfour\nfive\nsix\n";

for (const format of ["sha1", "sha256"] as const) {
  test(`mergeByPath merges changes of different files of ${format}`, async (t) => {
    const scene = setUp(t, format);
    const base = { a: "a", "d/b": "b", "d/e/c": "c", "d-": "x", d0: "y" };
    const pairs = [
      [
        { ...base, a: "A" },
        { ...base, "d/e/c": "C" },
      ],
      [
        { ...base, "d/b": "B" },
        { ...base, "d/e/new": "new", f: "f" },
      ],
      [
        { ...base, "d/b": "#!" },
        { a: "a", "d/b": "b", "d-": "x", d0: "y" },
      ],
      [
        { ...base, "n/a": "1" },
        { ...base, "n/b": "2" },
      ],
      [
        { ...base, "n/a": "1" },
        { ...base, "n/a": "1", "d/b": "B" },
      ],
      [base, { z: "z" }],
    ] as const;
    const cases = pairs.map(([ours, theirs]) => ({
      base: files(base),
      ours: files(ours),
      theirs: files(theirs),
    }));
    commitAll(scene.repository, cases);
    for (const index of cases.keys()) {
      const merged = await mergeCase(scene, index);
      assert.equal(merged, gitMerge(scene.repository, index), `case ${index}`);
    }
    scene.repository.git(["fsck", "--strict"]);
  });
}

test("mergeByPath leaves to git what only git can know", async (t) => {
  const scene = setUp(t);
  const base = { a: LINES, "d/b": `${LINES}b`, "d/c": `${LINES}c`, keep: "keep" };
  const { a: _, ...withoutA } = base;
  const moved = { a: LINES, "e/b": `${LINES}b`, "e/c": `${LINES}c`, keep: "keep" };
  const pairs = {
    "one file changed on both sides": [
      { ...base, a: "1" },
      { ...base, a: "2" },
    ],
    "a file renamed and changed": [
      { ...withoutA, n: LINES },
      { ...base, a: `${LINES}!` },
    ],
    "a file added to a renamed folder": [moved, { ...base, "d/new": "new" }],
    "the same change beside a rename": [
      { ...withoutA, n: LINES, x: "x" },
      { ...base, x: "x" },
    ],
    "a file and a folder": [
      { ...base, n: "file" },
      { ...base, "n/f": "folder" },
    ],
    "everything moved": [
      { "s/a": LINES, "s/d/b": `${LINES}b`, "s/d/c": `${LINES}c`, "s/keep": "keep" },
      { ...base, new: "new" },
    ],
  } as const;
  const cases = Object.values(pairs).map(([ours, theirs]) => ({
    base: files(base),
    ours: files(ours),
    theirs: files(theirs),
  }));
  commitAll(scene.repository, cases);
  for (const [index, name] of Object.keys(pairs).entries()) {
    assert.equal(await mergeCase(scene, index), undefined, name);
  }
});

test("mergeByPath leaves to git what it would put in order on its way", async (t) => {
  const { repository, objects, writer } = setUp(t);
  const blob = await writer.write("blob", Buffer.from("x"));
  const folder = async (mode: number, name: string, oid: Oid): Promise<Oid> =>
    writer.write("tree", encodeTree([{ mode, name: Buffer.from(name), oid }]));
  const base = await writer.write("tree", Buffer.alloc(0));
  const inner = await folder(0o100664, "file", blob);
  const ours = await folder(0o040000, "a", await folder(0o040000, "b", inner));
  const merged = await mergeByPath(objects, writer, { base, ours, theirs: ours });
  assert.equal(merged, undefined);
  const commits = [base, ours].map((tree) => repository.gitLine(["commit-tree", "-m", "x", tree]));
  const [root = "", side = ""] = commits;
  const args = ["merge-tree", "--write-tree", `--merge-base=${root}`, side, side];
  assert.notEqual(repository.gitLine(args), ours);
});

test("mergeByPath never disagrees with git", async (t) => {
  const scene = setUp(t);
  const seed = Date.now();
  const cases = fc.sample(sides, { numRuns: 150, seed });
  commitAll(scene.repository, cases);
  let merged = 0;
  for (const index of cases.keys()) {
    const tree = await mergeCase(scene, index);
    if (tree === undefined) continue;
    merged++;
    assert.equal(tree, gitMerge(scene.repository, index), `case ${index} of seed ${seed}`);
  }
  assert(merged > 20, `${merged} of ${cases.length} were merged, seed ${seed}`);
});

const path = fc
  .tuple(fc.constantFrom("", "a/", "a/b/", "c/", "c/d/"), fc.constantFrom("f", "g", "h", "b"))
  .map((parts) => parts.join(""));
const content = fc
  .tuple(fc.constantFrom("", "#!\n"), fc.nat(5))
  .map(([start, number]) => `${start}${LINES}${`${number}\n`.repeat(2)}`);

type Edit = (files: Map<string, string>) => void;

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(path, content).map(
    ([at, text]): Edit =>
      (tree) =>
        put(tree, at, text),
  ),
  path.map(
    (at): Edit =>
      (tree) =>
        void tree.delete(at),
  ),
  fc.nat(20).map(
    (n): Edit =>
      (tree) => {
        const [at, text] = [...tree][n % Math.max(tree.size, 1)] ?? [];
        if (at !== undefined) put(tree, at, `${text}${n}\n`);
      },
  ),
  fc.tuple(path, path).map(
    ([from, to]): Edit =>
      (tree) => {
        const text = tree.get(from);
        tree.delete(from);
        if (text !== undefined) put(tree, to, text);
      },
  ),
  fc.tuple(fc.constantFrom("a/", "a/b/", "c/"), fc.constantFrom("a/", "c/", "n/", "n/m/")).map(
    ([from, to]): Edit =>
      (tree) => {
        for (const [at, text] of [...tree].filter(([at]) => at.startsWith(from))) {
          tree.delete(at);
          put(tree, `${to}${at.slice(from.length)}`, text);
        }
      },
  ),
);

/** Puts a file where no folder is, nor another file in the place of one of its folders. */
function put(tree: Map<string, string>, at: string, text: string): void {
  const isTaken = [...tree.keys()].some(
    (other) => other.startsWith(`${at}/`) || at.startsWith(`${other}/`),
  );
  if (!isTaken) tree.set(at, text);
}

const sides: fc.Arbitrary<Sides> = fc
  .tuple(
    fc.array(fc.tuple(path, content), { minLength: 3, maxLength: 10 }),
    fc.array(edit, { minLength: 1, maxLength: 4 }),
    fc.array(edit, { minLength: 1, maxLength: 4 }),
  )
  .map(([initial, ourEdits, theirEdits]) => {
    const base = new Map<string, string>();
    for (const [at, text] of initial) put(base, at, text);
    const [ours, theirs] = [new Map(base), new Map(base)];
    for (const change of ourEdits) change(ours);
    for (const change of theirEdits) change(theirs);
    return { base, ours, theirs };
  });
