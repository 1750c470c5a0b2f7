import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type ObjectFormat, type Oid, parseOid } from "../../src/git/oid/oid.ts";
import { ReaderResources } from "../../src/git/pack/reader-resources.ts";
import type { GitRepository } from "../../src/git/repository/git-repository.ts";
import { RepositoryCache } from "../../src/git/repository/repository-cache.ts";
import {
  createTestRepository,
  openTestRepository,
  type TestRepository,
} from "../../src/testing/git-repository.ts";
import { generateHistory } from "./objects-fixture.ts";
import { Random, testSeed } from "./objects-random.ts";

const FORMATS: readonly ObjectFormat[] = ["sha1", "sha256"];
const { signal } = new AbortController();

function randomOf(t: TestContext, salt: number): Random {
  const seed = testSeed();
  t.diagnostic(`GITALY_TEST_SEED=${seed}`);
  return new Random(seed + salt);
}

function openRepository(t: TestContext, path: string): GitRepository {
  const cache = new RepositoryCache(new ReaderResources());
  t.after(() => cache.close());
  return cache.open(path);
}

function parse(text: string): Oid {
  const oid = parseOid(text);
  assert.ok(oid, text);
  return oid;
}

/** Few names with few contents, so that files come back, move, and are the same on many sides. */
const NAMES = ["a", "b", "dir/a", "dir/b", "dir/sub/c", "other/a", "\u00e9", "dir.x"];

const SIDE_COMMITS = 90;

/** Writes a history in which each merge takes every file from any of its parents, or changes it. */
function generateSides(repository: TestRepository, random: Random): void {
  const trees: Map<string, string>[] = [];
  const parts: string[] = [];
  for (let i = 0; i < SIDE_COMMITS; i++) {
    const parents = chooseParents(random, i);
    const sides = parents.map((parent) => trees[parent] ?? new Map<string, string>());
    const tree = new Map<string, string>();
    for (const name of NAMES) {
      const side = sides.length === 0 ? undefined : random.pick(sides);
      const content = random.oneIn(6) ? randomContent(random) : side?.get(name);
      if (content !== undefined) tree.set(name, content);
    }
    trees.push(tree);
    const time = 1_600_000_000 + i * 60 - (random.oneIn(8) ? 5000 : 0);
    parts.push(
      `commit refs/heads/side-${i % 6}\nmark :${i + 1}\ncommitter C <c@d> ${time} +0000\ndata 1\nx\n`,
      ...parents.map((parent, k) => `${k === 0 ? "from" : "merge"} :${parent + 1}\n`),
      "deleteall\n",
      ...[...tree].map(([name, content]) => `M 100644 inline ${name}\ndata 1\n${content}\n`),
      "\n",
    );
  }
  repository.git(["fast-import", "--quiet", "--force"], { input: parts.join("") });
}

function chooseParents(random: Random, index: number): number[] {
  if (index === 0 || random.oneIn(30)) return [];
  const count = random.oneIn(2) ? 1 : 2 + (random.oneIn(4) ? random.below(3) : 0);
  const near = (): number => Math.max(0, index - 1 - random.below(6));
  return [...new Set(Array.from({ length: count }, near))];
}

function randomContent(random: Random): string | undefined {
  return random.oneIn(4) ? undefined : String(random.below(3));
}

/** Compares single paths with `git log -1`. */
async function assertSameLogs(
  real: TestRepository,
  { history }: GitRepository,
  questions: Iterable<{ tip: Oid; path: string }>,
): Promise<void> {
  for (const { tip, path } of questions) {
    const bytes = Buffer.from(path, "latin1");
    const slash = bytes.lastIndexOf("/");
    const folder = bytes.subarray(0, Math.max(slash, 0));
    const names = [bytes.subarray(slash + 1)];
    const args = ["--literal-pathspecs", "log", "-1", "--format=%H", tip, "--"];
    const expected = real.gitLines([...args, bytes.toString()]);
    const found = await history.lastCommits(tip, { folder, names, compare: "files" }, signal);
    assert.deepEqual(found, [expected[0]], `${tip} -- ${path}`);
  }
}

/** Compares all that stands in a folder with `git last-modified`. */
async function assertSameFolder(
  real: TestRepository,
  { history }: GitRepository,
  tip: Oid,
  folder: string,
): Promise<void> {
  const path = folder === "" ? [] : [`${folder}/`];
  const paths = real
    .gitLines(["ls-tree", "-z", "--name-only", tip, ...path])
    .join("\n")
    .split("\0");
  const names = paths
    .filter((name) => name !== "")
    .map((name) => name.slice(name.lastIndexOf("/") + 1));
  if (names.length === 0) return;
  const expected = lastModified(
    real,
    tip,
    paths.filter((name) => name !== ""),
  );
  if (expected === undefined) return;
  const found = await history.lastCommits(
    tip,
    {
      folder: Buffer.from(folder),
      names: names.map((name) => Buffer.from(name)),
      compare: "entries",
    },
    signal,
  );
  const full = names.map((name) => (folder === "" ? name : `${folder}/${name}`));
  assert.deepEqual(
    found,
    full.map((name) => expected.get(name)),
    `${tip} -- ${folder}`,
  );
}

/** Undefined where git stops with a bug of its own: when times out of order hide a way from it. */
function lastModified(
  real: TestRepository,
  tip: Oid,
  paths: readonly string[],
): Map<string, string> | undefined {
  const flags = ["-t", "--max-depth=0", "-z", tip, "--"];
  let output: string;
  try {
    const args = ["--literal-pathspecs", "last-modified", ...flags, ...paths];
    output = real.gitLines(args).join("\n");
  } catch (error) {
    assert.match(String(error), /BUG: .*paths remaining beyond boundary/);
    return undefined;
  }
  const lines = output.split("\0").filter((line) => line !== "");
  return new Map(
    lines.map((line) => [line.slice(line.indexOf("\t") + 1), line.slice(0, line.indexOf("\t"))]),
  );
}

/** All paths of a commit, folders too, as binary strings. */
function pathsOf(real: TestRepository, tip: Oid): string[] {
  const lines = real.gitLines(["ls-tree", "-rtz", "--name-only", tip]).join("\n").split("\0");
  return lines.filter((line) => line !== "").map((line) => Buffer.from(line).toString("latin1"));
}

const GRAPHS = ["none", "plain", "filters", "half"] as const;

function writeGraph(repository: TestRepository, kind: (typeof GRAPHS)[number]): void {
  if (kind === "none") return;
  const commits = repository.gitLines(["rev-list", "--all", "--reverse", "--topo-order"]);
  const part = kind === "half" ? commits.slice(0, commits.length / 2) : commits;
  const flags = kind === "plain" ? [] : ["--changed-paths"];
  repository.git(
    [
      "-c",
      "commitGraph.changedPathsVersion=2",
      "commit-graph",
      "write",
      "--stdin-commits",
      ...flags,
    ],
    { input: part.join("\n") },
  );
}

for (const [salt, graph] of GRAPHS.entries()) {
  for (const format of FORMATS) {
    test(`${format}, commit-graph ${graph}: last commits of paths and folders`, async (t) => {
      const random = randomOf(t, salt);
      const real = createTestRepository(t, { format });
      generateSides(real, random);
      generateHistory(real, random, { commits: 60 });
      writeGraph(real, graph);
      const repository = openRepository(t, real.path);
      const tips = real.gitLines(["rev-list", "--all"]).map(parse);
      for (let i = 0; i < 25; i++) {
        const tip = random.pick(tips);
        const paths = [...pathsOf(real, tip), "missing", "dir/missing", "dir/sub"];
        const questions = Array.from({ length: 3 }, () => ({ tip, path: random.pick(paths) }));
        await assertSameLogs(real, repository, questions);
        for (const folder of ["", random.pick(["dir", "src", "src/main"])]) {
          await assertSameFolder(real, repository, tip, folder);
        }
      }
    });
  }
}

test("a folder without files counts for nothing where git log says so", async (t) => {
  const real = createTestRepository(t);
  const empty = real.gitLine(["hash-object", "-t", "tree", "-w", "--stdin"], { input: "" });
  const tree = (entries: string): string => real.gitLine(["mktree"], { input: entries });
  const blob = real.gitLine(["hash-object", "-w", "--stdin"], { input: "x" });
  const folder = tree(`040000 tree ${empty}\tinner\n`);
  const trees = [
    tree(`100644 blob ${blob}\tfile\n`),
    tree(`040000 tree ${empty}\tdir\n100644 blob ${blob}\tfile\n`),
    tree(`040000 tree ${folder}\tdir\n100644 blob ${blob}\tfile\n`),
  ];
  let tip: Oid | undefined;
  for (const [i, each] of trees.entries()) {
    const parent: string[] = tip === undefined ? [] : ["-p", tip];
    tip = parse(real.gitLine(["commit-tree", "-m", String(i), ...parent, each]));
  }
  assert.ok(tip);
  const { history } = openRepository(t, real.path);
  const paths = { folder: Buffer.alloc(0), names: [Buffer.from("dir")] };
  assert.equal(await history.lastCommits(tip, { ...paths, compare: "files" }, signal), undefined);
  assert.deepEqual(await history.lastCommits(tip, { ...paths, compare: "entries" }, signal), [tip]);
});

test("last commits in the repository in GITALY_TEST_REPOSITORY", async (t) => {
  const path = process.env["GITALY_TEST_REPOSITORY"];
  if (path === undefined) {
    t.skip("not given");
    return;
  }
  const random = randomOf(t, 50);
  const real = openTestRepository(path, "sha1");
  const repository = openRepository(t, path);
  const commits = real.gitLines(["rev-list", "--all"]).map(parse);
  const count = Number(process.env["GITALY_TEST_COUNT"] ?? 200);
  for (let i = 0; i < count; i += 10) {
    const tip = i % 20 === 0 ? parse(real.gitLine(["rev-parse", "HEAD"])) : random.pick(commits);
    const paths = pathsOf(real, tip);
    const questions = Array.from({ length: 10 }, () => ({ tip, path: random.pick(paths) }));
    await assertSameLogs(real, repository, questions);
    if (i % 100 === 0)
      await assertSameFolder(real, repository, tip, random.pick(["", "t", "compat"]));
  }
});
