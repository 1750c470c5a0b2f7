import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ObjectFormat } from "../../src/git/oid/oid.ts";
import { FilesRefReader } from "../../src/git/ref/files-ref-reader.ts";
import { HEAD, parseRefName, type RefName } from "../../src/git/ref/ref-name.ts";
import { openTestRepository } from "../../src/testing/git-repository.ts";
import {
  assertListsLikeGit,
  assertResolvesLikeGit,
  createRefsFixture,
  type RefsFixture,
  seededRandom,
  writeRepositoryFile,
} from "./refs-fixture.ts";

const FORMATS: readonly ObjectFormat[] = ["sha1", "sha256"];
function readerOf({ repository }: RefsFixture): FilesRefReader {
  return new FilesRefReader({ directory: repository.path, objectFormat: repository.format });
}

function named(names: readonly string[]): RefName[] {
  return names.flatMap((name) => parseRefName(name, { oneLevel: true }) ?? []);
}

for (const format of FORMATS) {
  test(`files in ${format}: damage is treated as git treats it`, (t) => {
    const fixture = createRefsFixture(t, seededRandom(t), {
      format,
      refFormat: "files",
      count: 30,
    });
    const refs = readerOf(fixture);
    damage(fixture);
    assertListsLikeGit(fixture, refs);
    assertListsLikeGit(fixture, refs, { rootRefs: true });
    assertResolvesLikeGit(fixture, refs, [...fixture.names]);
  });

  test(`files in ${format}: packed-refs is read however it was written`, (t) => {
    const fixture = createRefsFixture(t, seededRandom(t), {
      format,
      refFormat: "files",
      count: 60,
    });
    fixture.repository.git(["pack-refs", "--all"]);
    const packed = join(fixture.repository.path, "packed-refs");
    const [header, ...lines] = fs.readFileSync(packed, "latin1").split("\n").slice(0, -1);
    assert.match(header ?? "", /sorted/);
    const records = lines.join("\n").split(/\n(?!\^)/);
    const reversed = records.toReversed();
    const plain = records.map((record) => record.split("\n")[0] ?? "");
    const contents = [
      [...reversed],
      ["# pack-refs with: peeled ", ...reversed],
      ["# pack-refs with:  sorted", ...plain],
      ["# pack-refs with: peeled sorted", ...records],
      ["# pack-refs with: ", ...plain],
      [...records.map((record) => record.replace(/^[0-9a-f]+/, (hex) => hex.toUpperCase()))],
      [],
    ];
    for (const content of contents) {
      fs.writeFileSync(packed, content.map((line) => `${line}\n`).join(""), "latin1");
      const refs = readerOf(fixture);
      assertListsLikeGit(fixture, refs);
      assertListsLikeGit(fixture, refs);
      assertListsLikeGit(fixture, refs, { patterns: ["refs/heads/", "refs/tags/a"] });
      assertResolvesLikeGit(fixture, refs, [...fixture.names]);
    }
  });
}

test("files: a packed-refs too large to be kept in memory is searched in place", (t) => {
  const random = seededRandom(t);
  const fixture = createRefsFixture(t, random, { format: "sha1", refFormat: "files", count: 20 });
  const { repository, objects } = fixture;
  const names = Array.from({ length: 30_000 }, (_, index) => `refs/many/${index % 300}/${index}`);
  const records = names.map((name) => `${random.pick(objects)} ${name}`);
  addPacked(fixture, records);
  assert.ok(fs.statSync(join(repository.path, "packed-refs")).size > 1_048_576);
  const refs = readerOf(fixture);
  assertListsLikeGit(fixture, refs);
  assertListsLikeGit(fixture, refs, { patterns: ["refs/many/17", "refs/heads"] });
  const asked = [...names.filter(() => random.below(20) === 0), "refs/many/1", "refs/many/x/y"];
  assertResolvesLikeGit(fixture, refs, [...named(asked), ...fixture.names]);
});

test("files: a real repository is listed and resolved as git does", (t) => {
  const path = process.env["GITALY_TEST_REPOSITORY"];
  if (path === undefined) return t.skip("GITALY_TEST_REPOSITORY names no repository");
  const repository = openTestRepository(path, "sha1");
  const refs = new FilesRefReader({ directory: path, objectFormat: "sha1" });
  assertListsLikeGit({ repository }, refs);
  assertListsLikeGit({ repository }, refs, { patterns: ["refs/tags/v2.*", "refs/heads"] });
  assertResolvesLikeGit({ repository }, refs, [HEAD, ...[...refs.list()].map(({ name }) => name)]);
});

/** Leaves behind what crashes, other tools and mischief leave behind. */
function damage(fixture: RefsFixture): void {
  const [oid = "", , , tag = ""] = fixture.objects;
  const files: Readonly<Record<string, string>> = {
    "refs/odd/empty": "",
    "refs/odd/short": oid.slice(1),
    "refs/odd/long": `${oid}0`,
    "refs/odd/null": `${oid.replaceAll(/./g, "0")}\n`,
    "refs/odd/upper": `${oid.toUpperCase()}\n`,
    "refs/odd/unterminated": oid,
    "refs/odd/spaces": ` ${oid}`,
    "refs/odd/trailing": `${oid} and more\n`,
    "refs/odd/tab": `${oid}\tx\n\n`,
    "refs/odd/vertical": `${oid}\v\n`,
    "refs/odd/nul": `${oid}\0junk\n`,
    "refs/odd/symbolic-tight": "ref:refs/odd/upper\n",
    "refs/odd/symbolic-wide": "ref: \t\n refs/odd/upper \t\r\n\n",
    "refs/odd/symbolic-two": "ref: refs/odd/upper refs/odd/x\n",
    "refs/odd/symbolic-nul": "ref: refs/odd/upper\0junk",
    "refs/odd/symbolic-bad": "ref: refs/odd/a..b\n",
    "refs/odd/symbolic-empty": "ref: \n",
    "refs/odd/symbolic-one-level": "ref: HEAD\n",
    "refs/odd/symbolic-broken": "ref: refs/odd/empty\n",
    "refs/odd/symbolic-null": "ref: refs/odd/null\n",
    "refs/odd/Ref": "Ref: refs/odd/upper\n",
    "refs/odd/a..b": `${oid}\n`,
    "refs/odd/new\nline": `${oid}\n`,
    "refs/odd/star*": `${oid}\n`,
    "refs/odd/x.lock": `${oid}\n`,
    "refs/odd/.hidden": `${oid}\n`,
    "refs/odd/obstructing": `${oid}\n`,
    "refs/top": `${oid}\n`,
    FETCH_HEAD: `${oid}\t\tbranch 'x' of y\n`,
    ORIG_HEAD: `${oid}\n`,
    MERGE_HEAD: `${oid}\n`,
    AUTO_MERGE: `${oid}\n`,
    lower_HEAD: `${oid}\n`,
  };
  for (const [name, content] of Object.entries(files)) writeRepositoryFile(fixture, name, content);
  fs.mkdirSync(join(fixture.repository.path, "refs/odd/directory/empty"), { recursive: true });
  fs.symlinkSync("refs/odd/upper", join(fixture.repository.path, "refs/odd/link-symbolic"));
  fs.symlinkSync("upper", join(fixture.repository.path, "refs/odd/link-relative"));
  fs.symlinkSync("nowhere", join(fixture.repository.path, "refs/odd/link-dangling"));
  fs.symlinkSync("../heads", join(fixture.repository.path, "refs/odd/link-directory"));
  addPacked(fixture, [
    `${oid} refs/odd/a~b`,
    `${oid} refs/odd/directory`,
    `${oid} refs/odd/directory/empty`,
    `${oid} refs/odd/empty`,
    `${oid} refs/odd/obstructing/below`,
    `${tag} refs/odd/packed-tag`,
    `^${oid}`,
    `${oid} refs/odd/symbolic-bad`,
  ]);
  for (const name of [...Object.keys(files), ...ODD_NAMES]) {
    const valid = parseRefName(name, { oneLevel: true });
    if (valid !== undefined) fixture.names.add(valid);
  }
}

const ODD_NAMES = [
  "refs/odd",
  "refs/odd/directory",
  "refs/odd/directory/empty",
  "refs/odd/obstructing/below",
  "refs/odd/packed-tag",
  "refs/odd/link-symbolic",
  "refs/odd/link-relative",
  "refs/odd/link-dangling",
  "refs/odd/link-directory",
  "refs/odd/not-there",
  `refs/odd/${"long/".repeat(60)}${"x".repeat(300)}`,
  "main-worktree/HEAD",
  "main-worktree/refs/heads/main",
  "config",
];

function addPacked({ repository }: RefsFixture, records: readonly string[]): void {
  const path = join(repository.path, "packed-refs");
  const lines = fs.readFileSync(path, "latin1").split("\n").slice(0, -1);
  const groups = [...lines.slice(1), ...records].join("\n").split(/\n(?!\^)/);
  const sorted = groups.toSorted((one, other) => (nameIn(one) < nameIn(other) ? -1 : 1));
  const header = "# pack-refs with: sorted";
  fs.writeFileSync(path, [header, ...sorted, ""].join("\n"), "latin1");
}

function nameIn(record: string): string {
  return record.slice(record.indexOf(" ") + 1).split("\n")[0] ?? "";
}
