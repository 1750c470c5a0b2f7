import assert from "node:assert/strict";
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { type ObjectFormat, zeroOid } from "../../src/git/oid/oid.ts";
import { bytesFromBinary } from "../../src/git/ref/binary-string.ts";
import { parseRefName, type RefName } from "../../src/git/ref/ref-name.ts";
import type { ListedRef, RefListOptions, RefReader } from "../../src/git/ref/ref-reader.ts";
import { createTestRepository, type TestRepository } from "../../src/testing/git-repository.ts";

/** A source of random numbers that gives the same ones for the same seed. */
export interface Random {
  /** A whole number from 0 to `limit`, without `limit`. */
  below(limit: number): number;
  pick<Item>(items: readonly Item[]): Item;
}

/** The seed of this run, printed so that a failure can be repeated with GITALY_TEST_SEED. */
export function seededRandom(t: TestContext): Random {
  const seed = Number(process.env["GITALY_TEST_SEED"] ?? Date.now() % 1_000_000_000);
  t.diagnostic(`GITALY_TEST_SEED=${seed}`);
  return randomFrom(seed);
}

export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * limit);
  };
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[below(items.length)];
    assert(item !== undefined, "nothing to pick from");
    return item;
  };
  return { below, pick };
}

/** A repository with many references whose objects all exist. */
export interface RefsFixture {
  readonly repository: TestRepository;
  /** Commits, tags of commits, a tag of a tag, a tree and a blob. */
  readonly objects: readonly string[];
  /** All names that were ever used, among them deleted ones. */
  readonly names: Set<RefName>;
}

const NAMESPACES = ["refs/heads", "refs/tags", "refs/keep-around", "refs/remotes/origin", "refs"];
const COMPONENTS = [
  ..."main a b c a-b a.b a+ a0 x{y @ -dash UPPER lock a.lockx env".split(" "),
  "\xc3\xa4",
  "\xff\xfe",
  "l".repeat(120),
];

/** Makes a repository with about `count` references, some of them packed where there is packing. */
export function createRefsFixture(
  t: TestContext,
  random: Random,
  options: { format: ObjectFormat; refFormat: "files" | "reftable"; count: number },
): RefsFixture {
  const repository = createTestRepository(t, options);
  const objects = createObjects(repository);
  const fixture = { repository, objects, names: new Set<RefName>() };
  createRefs(fixture, random, options.count);
  repository.git(["pack-refs", "--all"]);
  updateRefs(fixture, random, Math.ceil(options.count / 3));
  createRefs(fixture, random, Math.ceil(options.count / 3));
  createSymbolicRefs(fixture);
  return fixture;
}

/** Adds references with random names that don't obstruct each other. */
export function createRefs(fixture: RefsFixture, random: Random, count: number): void {
  const updates: string[] = [];
  for (let index = 0; index < count; index++) {
    const components = Array.from({ length: 1 + random.below(3) }, () => random.pick(COMPONENTS));
    const name = parseRefName([random.pick(NAMESPACES), ...components].join("/"));
    if (name === undefined || obstructs(name, fixture.names)) continue;
    fixture.names.add(name);
    const oid = random.pick(name.startsWith("refs/heads/") ? commits(fixture) : fixture.objects);
    updates.push(`update ${name}\0${oid}\0\0`);
  }
  updateRef(fixture, updates);
}

/** Changes or deletes some references. */
export function updateRefs(fixture: RefsFixture, random: Random, count: number): void {
  const updates = new Map<string, string>();
  for (let index = 0; index < count && fixture.names.size > 0; index++) {
    const name = random.pick([...fixture.names]);
    if (name.includes("/symbolic/")) continue;
    const isDeleted = random.below(3) === 0;
    const oid = isDeleted
      ? "0".repeat(commits(fixture)[0]?.length ?? 0)
      : random.pick(commits(fixture));
    updates.set(name, `update ${name}\0${oid}\0\0`);
  }
  updateRef(fixture, [...updates.values()]);
}

function updateRef({ repository }: RefsFixture, updates: readonly string[]): void {
  repository.git(["update-ref", "--stdin", "-z"], { input: bytesFromBinary(updates.join("")) });
}

function obstructs(name: string, names: ReadonlySet<string>): boolean {
  for (const other of names) {
    if (other === name || other.startsWith(`${name}/`) || name.startsWith(`${other}/`)) return true;
  }
  return false;
}

function commits({ objects }: RefsFixture): readonly string[] {
  return objects.slice(0, 3);
}

function createObjects(repository: TestRepository): readonly string[] {
  const blob = repository.gitLine(["hash-object", "-w", "--stdin"], { input: "content" });
  const tree = repository.gitLine(["mktree"], { input: `100644 blob ${blob}\tfile\n` });
  const made = ["one", "two", "three"].map((message) =>
    repository.gitLine(["commit-tree", tree, "-m", message]),
  );
  const tag = (target: string, type: string, name: string): string => {
    const tagger = "tagger T <t@example.com> 1700000000 +0000";
    const input = `object ${target}\ntype ${type}\ntag ${name}\n${tagger}\n\nmessage\n`;
    return repository.gitLine(["mktag"], { input });
  };
  const first = tag(made[0] ?? "", "commit", "first");
  return [...made, first, tag(first, "tag", "second"), tag(blob, "blob", "third"), tree, blob];
}

/** Symbolic references: well-made, in a chain, dangling, in a circle and with an odd target. */
function createSymbolicRefs({ repository, names }: RefsFixture): void {
  const branch = [...names].find((name) => name.startsWith("refs/heads/")) ?? "refs/heads/main";
  const target = `ref: ${branch}`;
  const symbolic = (name: string, to: string): void => {
    repository.git(["symbolic-ref", name, to]);
    const valid = parseRefName(name);
    if (valid !== undefined) names.add(valid);
  };
  if (parseRefName(branch) !== undefined && /^[!-~]+$/.test(target.replaceAll(" ", ""))) {
    symbolic("refs/remotes/symbolic/HEAD", branch);
    symbolic("HEAD", branch);
  }
  symbolic("refs/symbolic/dangling", "refs/heads/nowhere");
  symbolic("refs/symbolic/circle/one", "refs/symbolic/circle/two");
  symbolic("refs/symbolic/circle/two", "refs/symbolic/circle/one");
  symbolic("refs/symbolic/chain/1", "HEAD");
  for (let length = 2; length < 7; length++) {
    symbolic(`refs/symbolic/chain/${length}`, `refs/symbolic/chain/${length - 1}`);
  }
}

/** Writes a file into the repository, as git never would. */
export function writeRepositoryFile(fixture: RefsFixture, name: string, content: string): void {
  const path = bytesFromBinary(join(fixture.repository.path, name));
  fs.mkdirSync(dirname(path.toString("latin1")), { recursive: true });
  fs.rmSync(path, { recursive: true, force: true });
  fs.writeFileSync(path, content, "latin1");
}

const FORMAT = "%(refname)%00%(objectname)%00%(symref)%00%(*objectname)";

/** Compares a listing with that of `git for-each-ref`. */
export function assertListsLikeGit(
  { repository }: { readonly repository: TestRepository },
  refs: RefReader,
  options: RefListOptions = {},
): void {
  const args = [`--format=${FORMAT}`];
  for (const pattern of options.exclude ?? []) args.push(`--exclude=${pattern}`);
  if (options.rootRefs === true) args.push("--include-root-refs");
  // Patterns are given by standard input: process arguments can't hold all bytes.
  const input = bytesFromBinary((options.patterns ?? []).map((line) => `${line}\n`).join(""));
  const stdin = (options.patterns ?? []).length > 0 ? ["--stdin"] : [];
  const output = repository.git(["for-each-ref", ...args, ...stdin], { input });
  const expected = output.toString("latin1").split("\n").slice(0, -1);
  const listed = [...refs.list(options)];
  const actual = listed.map((ref, index) => render(ref, expected[index]));
  assertSameLines(actual, expected, JSON.stringify(options));
}

/** Fails with the first lines that differ: whole lists are too long to be printed. */
export function assertSameLines(
  actual: readonly string[],
  expected: readonly string[],
  what: string,
): void {
  const index = expected.findIndex((line, at) => line !== actual[at]);
  const at = index < 0 ? expected.length : index;
  assert.deepEqual(
    actual.slice(at, at + 3),
    expected.slice(at, at + 3),
    `${what}: line ${at} is ${JSON.stringify(actual[at])}, not ${JSON.stringify(expected[at])}`,
  );
}

/** What isn't known about a tag's target is taken from what is expected. */
function render({ name, oid, symref, peeled }: ListedRef, expected = ""): string {
  const known = peeled === undefined ? expected.split("\0").at(-1) : (peeled ?? "");
  return [name, oid, symref ?? "", known].join("\0");
}

/** Compares what each name resolves to with what git makes of it. */
export function assertResolvesLikeGit(
  { repository }: { readonly repository: TestRepository },
  refs: RefReader,
  names: readonly RefName[],
): void {
  const input = bytesFromBinary(names.map((name) => `${name}\n`).join(""));
  const output = repository.git(["cat-file", "--batch-check=%(objectname)"], { input });
  const expected = output.toString("latin1").split("\n").slice(0, -1);
  const nullOid = zeroOid(repository.format);
  const actual = names.map((name) => {
    const oid = refs.findOid(name);
    return oid === undefined || oid === nullOid ? `${name} missing` : oid;
  });
  assertSameLines(actual, expected, "resolved");
}
