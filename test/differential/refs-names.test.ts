import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { bytesFromBinary } from "../../src/git/ref/binary-string.ts";
import { FilesRefReader } from "../../src/git/ref/files-ref-reader.ts";
import { parseRefName, type RefName, type RefNameFormat } from "../../src/git/ref/ref-name.ts";
import { versionCompare } from "../../src/git/ref/version-compare.ts";
import { compileWildmatch } from "../../src/git/wildmatch/wildmatch.ts";
import { createTestRepository, findTestGit } from "../../src/testing/git-repository.ts";
import {
  assertListsLikeGit,
  assertSameLines,
  type Random,
  seededRandom,
  writeRepositoryFile,
} from "./refs-fixture.ts";

const NAMES_PER_FORMAT = 250;
const PIECES = [
  ..."a b / / / . .. .lock lock @ @{ { } * ? [ ] ^ ~ : \\ - _ + refs heads HEAD main".split(" "),
  " ",
  "\t",
  "\n",
  "\x01",
  "\x7f",
  "\xc3\xa4",
  "\xff",
];

const OPTIONS: readonly (readonly [string, RefNameFormat])[] = [
  ["", {}],
  ["--allow-onelevel", { oneLevel: true }],
  ["--refspec-pattern", { pattern: true }],
  ["--allow-onelevel --refspec-pattern", { oneLevel: true, pattern: true }],
];

test("parseRefName agrees with git check-ref-format", (t) => {
  const random = seededRandom(t);
  for (const [flags, format] of OPTIONS) {
    const names = Array.from({ length: NAMES_PER_FORMAT }, () => randomName(random));
    const accepted = names.map((name) => parseRefName(name, format) !== undefined);
    assertSameLines(
      names.map((name, index) => `${JSON.stringify(name)} ${accepted[index]}`),
      names.map((name, index) => `${JSON.stringify(name)} ${checkRefFormat(flags, names)[index]}`),
      flags,
    );
  }
});

/** Mostly names that are nearly good: one odd piece among good ones. */
function randomName(random: Random): string {
  const pieces = Array.from({ length: 1 + random.below(4) }, () => random.pick(PIECES));
  const start = random.pick(["", "", "a", "refs/heads/", "refs/"]);
  const name = start + pieces.join(random.pick(["", "", "a", "/"]));
  return name.startsWith("-") ? `a${name}` : name;
}

const checked = new WeakMap<readonly string[], readonly boolean[]>();

function checkRefFormat(flags: string, names: readonly string[]): readonly boolean[] {
  const known = checked.get(names);
  if (known !== undefined) return known;
  const script = `for name do "${findTestGit()}" check-ref-format ${flags} "$name" && echo true || echo false; done`;
  const input = bytesFromBinary(names.map((name) => `${name}\0`).join(""));
  const { stdout, status } = spawnSync("xargs", ["-0", "sh", "-c", script, "sh"], { input });
  assert.equal(status, 0);
  const lines = stdout.toString().split("\n").slice(0, -1);
  assert.equal(lines.length, names.length);
  const answers = lines.map((line) => line === "true");
  checked.set(names, answers);
  return answers;
}

const GLOB_PIECES = [
  ..."a b A ab / / - ] * * ** **/ /** ? [ab] [!a] [a-c] [^/] [[:alpha:]] [[:upper:]] [] [".split(
    " ",
  ),
  "[[:x:]]",
  "[a",
  "\\",
  "\\a",
];

test("compileWildmatch agrees with git branch and git for-each-ref", (t) => {
  const random = seededRandom(t);
  const repository = createTestRepository(t);
  const fixture = { repository, objects: [], names: new Set<RefName>() };
  const tree = repository.gitLine(["mktree"], { input: "" });
  const commit = repository.gitLine(["commit-tree", tree, "-m", "message"]);
  const names = new Set(Array.from({ length: 300 }, () => randomBranch(random)));
  const records = [...names].toSorted().map((name) => `${commit} refs/heads/${name}\n`);
  const header = "# pack-refs with: peeled fully-peeled sorted\n";
  writeRepositoryFile(fixture, "packed-refs", header + records.join(""));
  const refs = new FilesRefReader({ directory: repository.path, objectFormat: "sha1" });
  const branches = [...refs.list()].map(({ name }) => name.slice("refs/heads/".length));
  assert.ok(branches.length > 100);
  for (let round = 0; round < 60; round++) {
    const pieces = Array.from({ length: 1 + random.below(6) }, () => random.pick(GLOB_PIECES));
    const pattern = random.pick(["", "*"]) + pieces.join("");
    assertListsLikeGit(fixture, refs, { patterns: [`refs/heads/${pattern}`] });
    const caseFold = random.below(2) === 0;
    const flags = caseFold ? ["--ignore-case"] : [];
    const args = ["branch", "--format=%(refname:strip=2)", ...flags, "--list", "--", pattern];
    const matches = compileWildmatch(pattern, { caseFold });
    assertSameLines(branches.filter(matches), repository.gitLines(args).toSorted(), pattern);
  }
});

function randomBranch(random: Random): string {
  const characters = Array.from({ length: 1 + random.below(6) }, () =>
    random.pick(BRANCH_CHARACTERS),
  );
  const components = characters
    .join("")
    .split("/")
    .filter((component) => component !== "");
  return [...components, random.pick(["a", "b"])].join("/");
}

const BRANCH_CHARACTERS = "a a b b A B / / ] c".split(" ");

const NUMBERS = "0 00 1 01 2 9 10 010 11 100".split(" ");
const SUFFIXES = ["", "", "-rc", "-rc1", "-rc2", "-rc10", "-pre", "-pre1", "-post", ".a", "+"];

test("versionCompare agrees with git for-each-ref --sort=version:refname", (t) => {
  const random = seededRandom(t);
  const repository = createTestRepository(t);
  const fixture = { repository, objects: [], names: new Set<RefName>() };
  const tree = repository.gitLine(["mktree"], { input: "" });
  const version = (): string => {
    // With odder names the suffixes contradict each other, and any order is as good as git's.
    const numbers = Array.from({ length: 1 + random.below(3) }, () => random.pick(NUMBERS));
    return `refs/tags/v${numbers.join(".")}${random.pick(SUFFIXES)}`;
  };
  const names = new Set(Array.from({ length: 400 }, version));
  const valid = [...names].filter((name) => parseRefName(name) !== undefined).toSorted();
  assert.ok(valid.length > 100);
  const records = valid.map((name) => `${tree} ${name}\n`);
  writeRepositoryFile(fixture, "packed-refs", `# pack-refs with: sorted\n${records.join("")}`);
  for (const suffixes of [[], ["-rc"], ["-rc", "-pre"], ["-pre", "-rc", "-post"]]) {
    const config = suffixes.flatMap((suffix) => ["-c", `versionsort.suffix=${suffix}`]);
    const args = [...config, "for-each-ref", "--format=%(refname)", "--sort=version:refname"];
    const sorted = valid.toSorted((one, other) => versionCompare(one, other, suffixes));
    assertSameLines(sorted, repository.gitLines(args), suffixes.join());
  }
});
