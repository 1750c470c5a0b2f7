import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ObjectDatabase } from "../../src/git/object/object-database.ts";
import { ObjectSources } from "../../src/git/object/object-source.ts";
import type { ObjectFormat } from "../../src/git/oid/oid.ts";
import { ReaderResources } from "../../src/git/pack/reader-resources.ts";
import { bytesFromBinary } from "../../src/git/ref/binary-string.ts";
import { FilesRefReader } from "../../src/git/ref/files-ref-reader.ts";
import type { RevisionSource } from "../../src/git/revision/resolve-name.ts";
import { resolveRevision } from "../../src/git/revision/resolve-revision.ts";
import { parseRevision } from "../../src/git/revision/revision.ts";
import {
  createTestRepository,
  openTestRepository,
  type TestRepository,
} from "../../src/testing/git-repository.ts";
import { assertSameLines, type Random, seededRandom } from "./refs-fixture.ts";

const FORMATS: readonly ObjectFormat[] = ["sha1", "sha256"];

/** What expressions are made of. */
interface Words {
  readonly names: readonly string[];
  readonly oids: readonly string[];
  /** Ids whose first four digits are those of another one. */
  readonly similar: readonly string[];
  readonly paths: readonly string[];
}

const STEPS = [
  ..."^ ^ ^1 ^2 ^3 ^0 ^007 ~ ~ ~0 ~1 ~2 ~5 ~17 ~900 ^99999999999 ~2147483648 ~4294967297".split(
    " ",
  ),
  ..."^{commit} ^{tree} ^{} ^{tag} ^{blob} ^{object} ^{foo} ^{ {} ^{commit}x} ^{}} ^{x:y}".split(
    " ",
  ),
];
const ODD_NAMES = [
  "",
  "@",
  "HEAD",
  "head",
  ".",
  "a/",
  "//",
  "x y",
  "@x",
  "x@",
  "refs",
  "config",
  "\xff",
];

for (const format of FORMATS) {
  test(`revisions in ${format} resolve as git cat-file resolves them`, (t) => {
    const random = seededRandom(t);
    const repository = createTestRepository(t, { format });
    createHistory(repository);
    const words = wordsOf(repository);
    compare(openSource(t, repository), repository, random, words, 5000);
  });
}

test("revisions of a real repository resolve as git cat-file resolves them", (t) => {
  const path = process.env["GITALY_TEST_REPOSITORY"];
  if (path === undefined) return t.skip("GITALY_TEST_REPOSITORY names no repository");
  const repository = openTestRepository(path, "sha1");
  const count = Number(process.env["GITALY_TEST_REVISIONS"] ?? 10_000);
  compare(openSource(t, repository), repository, seededRandom(t), wordsOf(repository), count);
});

function compare(
  source: RevisionSource,
  repository: TestRepository,
  random: Random,
  words: Words,
  count: number,
): void {
  const expressions: string[] = [];
  const answers: string[] = [];
  let unsupported = 0;
  for (let index = 0; index < count; index++) {
    const text = randomRevision(random, words);
    if (/^(?:$|:|[^:]*[\s\\])|\n/.test(text)) continue;
    const answer = resolveLikeBatchCheck(source, text);
    if (answer === undefined) unsupported++;
    else {
      expressions.push(text);
      answers.push(`${JSON.stringify(text)} ${answer}`);
    }
  }
  const input = bytesFromBinary(expressions.map((text) => `${text}\n`).join(""));
  const config = ["-c", "core.useReplaceRefs=false", "-c", "core.warnAmbiguousRefs=false"];
  const args = [...config, "cat-file", "--batch-check=%(objectname)"];
  const output = repository.git(args, { input }).toString("latin1");
  const expected = output.split("\n").slice(0, -1);
  assert.equal(expected.length, expressions.length);
  const lines = expected.map((line, index) => {
    const text = expressions[index] ?? "";
    return `${JSON.stringify(text)} ${line.startsWith(`${text} `) ? line.slice(text.length + 1) : line}`;
  });
  assertSameLines(answers, lines, "revision");
  // Most are answered, and in all ways.
  assert.ok(unsupported < count / 10);
  for (const end of ["missing", "ambiguous"]) {
    assert.ok(answers.filter((line) => line.endsWith(end)).length > 10, end);
  }
  assert.ok(answers.filter((line) => / [0-9a-f]+$/.test(line)).length > count / 10);
}

function resolveLikeBatchCheck(source: RevisionSource, text: string): string | undefined {
  const resolution = resolveRevision(source, parseRevision(text, { path: true }));
  switch (resolution.state) {
    case "unsupported":
      return undefined;
    case "found":
      return source.objects.has(resolution.oid) ? resolution.oid : "missing";
    default:
      return resolution.state;
  }
}

function randomRevision(random: Random, { names, oids, similar, paths }: Words): string {
  let text: string;
  const kind = random.below(10);
  if (kind < 4) text = random.pick(names);
  else if (kind === 4) text = random.pick(oids);
  else if (kind < 7) text = random.pick(oids).slice(0, 3 + random.below(8));
  else if (kind === 7) text = random.pick(similar).slice(0, 4 + random.below(2));
  else if (kind === 8) text = random.pick(ODD_NAMES);
  else
    text = `${random.pick(names)}-${random.below(20)}-g${random.pick(oids).slice(0, 3 + random.below(8))}`;
  if (random.below(20) === 0) text = text.replaceAll(/[a-z]/g, (letter) => letter.toUpperCase());
  for (let count = random.below(4); count > 0; count--) text += random.pick(STEPS);
  if (random.below(4) === 0) text += `:${random.pick(paths)}`;
  if (random.below(60) === 0)
    text += random.pick(["@{1}", "@{u}", "..HEAD", "^@", "^!", "^{/x}", ":./a"]);
  return text;
}

function openSource(t: TestContext, repository: TestRepository): RevisionSource {
  const objects = new ObjectDatabase({
    objectDirectory: join(repository.path, "objects"),
    format: repository.format,
    sources: new ObjectSources(new ReaderResources()),
  });
  t.after(() => objects.close());
  const store = { directory: repository.path, objectFormat: repository.format };
  return { objects, refs: new FilesRefReader(store) };
}

function wordsOf(repository: TestRepository): Words {
  const refs = repository
    .git(["for-each-ref", "--format=%(refname)"])
    .toString("latin1")
    .split("\n");
  const full = refs.filter((name) => name !== "");
  const short = full.flatMap((name) => [
    name.replace(/^refs\//, ""),
    name.replace(/^refs\/[^/]+\//, ""),
    name.replace(/\/HEAD$/, ""),
  ]);
  const objects = repository.gitLines(["rev-list", "--all", "--objects", "--max-count=3000"]);
  const named = objects.map((line) => line.split(" ", 2));
  const paths = named.flatMap(([, path]) => (path === undefined || path === "" ? [] : path));
  const made = [
    ...paths,
    ...paths.map((path) => `${path}/`),
    "",
    "/",
    "no",
    "a//b",
    "a/../b",
    "\xff",
  ];
  const oids = [...named.map(([oid = ""]) => oid), ...unreferenced(repository)];
  const starts = Map.groupBy(new Set(oids), (oid) => oid.slice(0, 4));
  return {
    names: [...full, ...short, "HEAD", "@", "nothing", "refs/heads/nothing"],
    oids,
    similar: [...starts.values()].filter(({ length }) => length > 1).flat(),
    paths: made,
  };
}

/** Tags and their like, which aren't reached by walks. */
function unreferenced(repository: TestRepository): string[] {
  return [
    ...repository.gitLines(["for-each-ref", "--format=%(objectname)"]),
    "0".repeat(40),
    "abcd",
  ];
}

/** Merges, an octopus, tags of all types, and so many objects that short ids are ambiguous. */
function createHistory(repository: TestRepository): void {
  const lines: string[] = [];
  const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}`;
  const commit = (mark: number, parents: readonly number[], files: readonly string[]): void => {
    lines.push("commit refs/heads/main", `mark :${mark}`);
    lines.push(
      `committer C <c@example.com> ${1_700_000_000 + mark} +0000`,
      data(`commit ${mark}\n`),
    );
    for (const [index, parent] of parents.entries()) {
      lines.push(`${index === 0 ? "from" : "merge"} :${parent}`);
    }
    for (const file of files) lines.push(`M 100644 inline ${file}`, data(`${file} ${mark}\n`));
  };
  commit(1, [], ["a", "dir/a", "dir/sub/b", "dir.x", "dir-y", "x y"]);
  for (let mark = 2; mark <= 400; mark++) {
    const parents = [mark - 1];
    if (mark % 5 === 0) parents.push(Math.max(1, mark - 3));
    if (mark % 20 === 0) parents.push(Math.max(1, mark - 7));
    commit(mark, parents, [`dir/sub/f${mark % 7}`, `f${mark % 11}`]);
  }
  for (const [name, mark] of [
    ["refs/heads/abcd", 100],
    ["refs/heads/deadbeef", 150],
    ["refs/heads/v1", 200],
    ["refs/tags/v1", 201],
    ["refs/heads/HEAD", 90],
    ["refs/heads/a-1-gabcdef", 80],
    ["refs/heads/a@b", 70],
    ["refs/remotes/origin/main", 300],
    ["refs/top", 10],
  ] as const) {
    lines.push(`reset ${name}`, `from :${mark}`, "");
  }
  repository.git(["fast-import", "--quiet", "--force"], { input: `${lines.join("\n")}\n` });
  repository.git(["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]);
  repository.git(["symbolic-ref", "refs/heads/dangling", "refs/heads/nowhere"]);
  repository.git(["tag", "-a", "-m", "one", "annotated", "main~3"]);
  repository.git(["tag", "-a", "-m", "two", "nested", "annotated"]);
  repository.git(["tag", "-a", "-m", "three", "tree-tag", "main^{tree}"]);
  repository.git(["tag", "-a", "-m", "four", "blob-tag", "main:a"]);
  repository.git(["tag", "plain-tree", "main^{tree}"]);
  repository.git(["repack", "-adq"]);
}
