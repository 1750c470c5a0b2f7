import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { AttributeReader } from "../../src/git/attribute/attribute-reader.ts";
import { DiffTooHardError } from "../../src/git/diff/text/diff-too-hard-error.ts";
import { DiffContents } from "../../src/git/diff/tree/diff-contents.ts";
import { listFilePairs, printFilePairs } from "../../src/git/diff/tree/tree-difference.ts";
import type { Oid } from "../../src/git/oid/oid.ts";
import type { GitRepository } from "../../src/git/repository/git-repository.ts";
import { RepositoryCache } from "../../src/git/repository/repository-cache.ts";
import { commitFiles, type TestFile } from "../../src/testing/commit-files.ts";
import { createTestRepository, type TestRepository } from "../../src/testing/git-repository.ts";
import { editLines, randomLines, toText } from "./diff-random.ts";
import { Random, testSeed } from "./objects-random.ts";

const { signal } = new AbortController();

function randomOf(t: TestContext, salt: number): Random {
  const seed = testSeed();
  t.diagnostic(`GITALY_TEST_SEED=${seed}`);
  return new Random(seed + salt);
}

interface Compared {
  readonly repository: TestRepository;
  readonly reader: GitRepository;
  /** The commit whose attributes count. */
  readonly head: string;
}

function openCompared(t: TestContext, repository: TestRepository, head: string): Compared {
  const cache = new RepositoryCache();
  t.after(() => cache.close());
  return { repository, reader: cache.open(repository.path), head };
}

function treeOf({ repository }: Compared, commit: string): Oid {
  return repository.gitLine(["rev-parse", `${commit}^{tree}`]) as Oid;
}

/** Prints a difference in this process, `undefined` where git would have to. */
async function printOwn(
  compared: Compared,
  left: string,
  right: string,
  percent: number,
): Promise<Buffer | undefined> {
  const { objects, shelves, attributes: parsed } = compared.reader;
  const tree = treeOf(compared, compared.head);
  const infoPath = join(compared.repository.path, "info/attributes");
  const attributes = new AttributeReader({ objects, tree, infoPath, parsed });
  const contents = new DiffContents(objects, attributes, shelves.patches);
  const trees = { left: treeOf(compared, left), right: treeOf(compared, right) };
  try {
    const renameScoreMin = percent * 600;
    const pairs = listFilePairs({ objects, contents, ...trees, renameScoreMin });
    const chunks: Buffer[] = [];
    const parts = { raw: true, patches: true };
    for await (const chunk of printFilePairs(pairs, contents, parts, signal)) chunks.push(chunk);
    return Buffer.concat(chunks);
  } catch (error) {
    if (error instanceof DiffTooHardError) return undefined;
    throw error;
  }
}

/** Compares both directions; returns how many were left to git. */
async function assertSame(
  compared: Compared,
  commits: readonly [string, string],
  percent = 50,
): Promise<number> {
  let leftToGit = 0;
  for (const [left, right] of [commits, [commits[1], commits[0]]] as const) {
    const flags = ["--raw", "--patch", "--full-index", "--abbrev=64", `--find-renames=${percent}%`];
    const config = ["-c", `attr.tree=${compared.head}`];
    const expected = compared.repository.git([...config, "diff", ...flags, left, right]);
    const own = await printOwn(compared, left, right, percent);
    // The second time most patches are known already.
    const again = await printOwn(compared, left, right, percent);
    if (own === undefined || again === undefined) leftToGit++;
    else assert.equal(own.toString("latin1"), expected.toString("latin1"));
    assert.equal(again?.toString("latin1"), own?.toString("latin1"));
  }
  return leftToGit;
}

function fileOf(text: string): TestFile {
  return { mode: "100644", content: Buffer.from(text, "latin1") };
}

test("texts differ as git says, whatever they are", async (t) => {
  const random = randomOf(t, 1);
  const repository = createTestRepository(t);
  const before: Record<string, TestFile> = {};
  const after: Record<string, TestFile> = {};
  const extensions = ["txt", "c", "py", "rb", "pl", "go", "md", "java", "rs", "sh", "html", "css"];
  for (let file = 0; file < 500; file++) {
    const count = random.oneIn(25) ? random.below(3000) : random.below(90);
    const edits = random.oneIn(10) ? random.below(count) : 1 + random.below(9);
    const lines = randomLines(random, count);
    const path = `${file}.${random.pick(extensions)}`;
    before[path] = fileOf(toText(random, lines));
    after[path] = fileOf(toText(random, editLines(random, lines, edits)));
  }
  const left = commitFiles(repository, before);
  const right = commitFiles(repository, after);
  const plain = openCompared(t, repository, left);
  assert.equal(await assertSame(plain, [left, right]), 0);
});

test("texts of languages have their functions where git sees them", async (t) => {
  const random = randomOf(t, 2);
  const repository = createTestRepository(t);
  const languages = {
    ...{ c: "cpp", py: "python", rb: "ruby", pl: "perl", go: "golang", md: "markdown" },
    ...{ java: "java", rs: "rust", sh: "bash", html: "html", css: "css", php: "php" },
    ...{ kt: "kotlin", ex: "elixir", ini: "ini", other: "nonsense" },
  };
  const rules = Object.entries(languages).map(([extension, name]) => `*.${extension} diff=${name}`);
  const before: Record<string, TestFile> = { ".gitattributes": `${rules.join("\n")}\n` };
  const after = { ...before };
  const starts = [
    ...["func a() {", "type T struct {", "def run(a)", "  async def go(self):", "class A < B"],
    ...["sub foo($$) {", "package Foo;", "=head1 NAME", "pub fn x() -> u8 {", "impl T for U {"],
    ...["public static int run(int a) {", "  if (x) {", "label:", "void f(int a)", "h1 { }"],
    ...["<h2 class='x'>Title</h2>", "## Part", "[section]", "defmodule A do", "fun main() {"],
    ...["function x() {", "name () {", "BEGIN {", "private function y() {", "::std::x y;"],
  ];
  for (const extension of Object.keys(languages)) {
    for (let file = 0; file < 12; file++) {
      const lines = Array.from({ length: 120 }, (_, line) =>
        random.oneIn(6) ? random.pick(starts) : `    statement ${line};`,
      );
      before[`${file}.${extension}`] = fileOf(toText(random, lines));
      after[`${file}.${extension}`] = fileOf(toText(random, editLines(random, lines, 5)));
    }
  }
  const left = commitFiles(repository, before);
  const right = commitFiles(repository, after);
  // The lines that edits add have bytes that aren't UTF-8, which may stand where a function may.
  assert.ok((await assertSame(openCompared(t, repository, left), [left, right])) <= 2);
  const ascii = Object.fromEntries(
    Object.entries(before).map(([path, file]) => [path, withoutHighBytes(file)]),
  );
  const third = commitFiles(repository, ascii);
  const fourth = commitFiles(
    repository,
    Object.fromEntries(Object.entries(after).map(([path, file]) => [path, withoutHighBytes(file)])),
  );
  assert.equal(await assertSame(openCompared(t, repository, third), [third, fourth]), 0);
});

function withoutHighBytes(file: TestFile): TestFile {
  if (typeof file === "string" || !("content" in file)) return file;
  const text = Buffer.from(file.content).toString("latin1");
  return fileOf(text.replace(/[\x80-\xff]/g, "x"));
}

/** A file by its mode, with its text as a binary string, or the id of a submodule's commit. */
interface RandomFile {
  readonly mode: string;
  readonly text: string;
}

/** What may become of a file: where it is afterwards, and as what. */
type Change = (path: string, file: RandomFile, random: Random) => [string, RandomFile] | undefined;

const CHANGES: readonly Change[] = [
  () => undefined,
  (path, file) => [`moved/${path}`, file],
  (path, file) => [`renamed-${path.replaceAll("/", "-")}`, file],
  (path, file, random) => [`edited/${path}`, edited(random, file, 9)],
  (path, file, random) => [`${path}.new`, edited(random, file, 20)],
  (path) => [path, { mode: "120000", text: "target" }],
  (path) => [path, { mode: "160000", text: "" }],
  (path, file) => [path, { ...file, mode: file.mode === "100755" ? "100644" : "100755" }],
  (path, file) => [path, { mode: "100644", text: `\0${file.text}` }],
  (path, file) => [`${path}/below`, file],
  (path, file, random) => [path, edited(random, file, 2)],
];

function edited(random: Random, { mode, text }: RandomFile, edits: number): RandomFile {
  const lines = editLines(random, text.split("\n"), 1 + random.below(edits));
  return { mode: mode === "160000" ? "100644" : mode, text: lines.join("\n") };
}

/** Changes some files of a tree in every way that there is. */
function changeTree(
  random: Random,
  files: ReadonlyMap<string, RandomFile>,
): Map<string, RandomFile> {
  const changed = new Map<string, RandomFile>();
  for (const [path, file] of files) {
    const entry = random.oneIn(3)
      ? ([path, file] as const)
      : random.pick(CHANGES)(path, file, random);
    if (entry !== undefined) changed.set(...entry);
  }
  const paths = [...changed.keys()];
  // A file can't stand where a folder is.
  for (const path of paths) {
    if (paths.some((other) => other.startsWith(`${path}/`))) changed.delete(path);
  }
  return changed;
}

function commitTree(repository: TestRepository, files: ReadonlyMap<string, RandomFile>): string {
  const submodule = { mode: "160000", oid: "ab".repeat(repository.format === "sha1" ? 20 : 32) };
  const entries = [...files].map(([path, { mode, text }]): [string, TestFile] => [
    path,
    mode === "160000" ? submodule : { mode, content: Buffer.from(text, "latin1") },
  ]);
  return commitFiles(repository, Object.fromEntries(entries));
}

const ATTRIBUTES = [
  ...["[attr]lang diff=cpp", "*.c lang", "*.bin binary", "/docs/** -diff"],
  ...['"with space*" diff', "sub/*.txt !diff", "*.sql diff=nothing"],
];

function randomTree(random: Random): Map<string, RandomFile> {
  const names = [
    ...Array.from("abcdefgh", (name) => `src/${name}.c`),
    ...["docs/a.md", "docs/b/c.md", "x.bin", "with space.bin", 'q"uote', "tab\there"],
    ...["\xff\xfe", "sub/a.txt", "sub/b.c", "a", "a.b", "a-b", "deep/er/still/x", "lib/a.c"],
  ];
  const files = new Map<string, RandomFile>();
  for (const name of names) {
    files.set(name, { mode: "100644", text: toText(random, randomLines(random, 30)) });
  }
  files.set("empty", { mode: "100644", text: "" });
  files.set("link", { mode: "120000", text: "somewhere" });
  files.set(".gitattributes", { mode: "100644", text: `${ATTRIBUTES.join("\n")}\n` });
  files.set("sub/.gitattributes", { mode: "100644", text: "*.c diff=python\n[attr]lang -diff\n" });
  return files;
}

test("trees differ as git says: renames, modes, types, names, attributes", async (t) => {
  const random = randomOf(t, 3);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = createTestRepository(t, { format });
    let leftToGit = 0;
    for (let round = 0; round < 6; round++) {
      const files = randomTree(random);
      const before = commitTree(repository, round % 3 === 0 ? changeTree(random, files) : files);
      const after = commitTree(repository, changeTree(random, files));
      const compared = openCompared(t, repository, before);
      leftToGit += await assertSame(compared, [before, after], random.pick([30, 50, 75, 100]));
    }
    assert.ok(leftToGit <= 4, `${leftToGit} of 12 were left to git`);
  }
});

test("what would take long is left to git", async (t) => {
  const random = randomOf(t, 4);
  const repository = createTestRepository(t);
  const shuffled = (): TestFile =>
    fileOf(Array.from({ length: 40_000 }, () => `${random.below(30)}\n`).join(""));
  const hard: readonly [TestFile, TestFile][] = [
    ["a\n".repeat(60_000), "a\n".repeat(60_001)],
    [`${"x".repeat(3 * 1024 * 1024)}\n`, "x\n"],
    [shuffled(), shuffled()],
  ];
  for (const [before, after] of hard) {
    const left = commitFiles(repository, { file: before });
    const right = commitFiles(repository, { file: after });
    const compared = openCompared(t, repository, left);
    assert.equal(await printOwn(compared, left, right, 50), undefined);
  }
});
