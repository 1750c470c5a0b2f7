import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { PathSelection } from "../../src/git/graph/path-selection.ts";
import type { WalkOptions, WalkOrder, WalkTip } from "../../src/git/graph/walk-options.ts";
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
const ORDERS: readonly WalkOrder[] = ["default", "date", "author-date", "topo"];

/** How the history is written down beside the objects. */
const GRAPHS = ["none", "single", "levels", "split", "partial", "filters", "filters-1"] as const;

const { signal } = new AbortController();

function randomOf(t: TestContext, salt: number): Random {
  const seed = testSeed();
  t.diagnostic(`GITALY_TEST_SEED=${seed}`);
  return new Random(seed + salt);
}

function openRepository(t: TestContext, path: string): GitRepository {
  const resources = new ReaderResources();
  const cache = new RepositoryCache(resources);
  t.after(() => {
    cache.close();
    assert.equal(resources.files.descriptors, 0, "files are left open");
  });
  return cache.open(path);
}

function writeGraph(repository: TestRepository, kind: (typeof GRAPHS)[number]): void {
  const write = ["commit-graph", "write", "--reachable", "--no-progress"];
  switch (kind) {
    case "none":
      break;
    case "single":
      repository.git(write);
      break;
    case "filters":
      repository.git(["-c", "commitGraph.changedPathsVersion=2", ...write, "--changed-paths"]);
      break;
    case "filters-1":
      repository.git(["-c", "commitGraph.changedPathsVersion=1", ...write, "--changed-paths"]);
      break;
    case "levels":
      repository.git(["-c", "commitGraph.generationVersion=1", ...write]);
      break;
    case "split":
    case "partial": {
      const commits = repository.gitLines(["rev-list", "--all", "--reverse", "--topo-order"]);
      const parts = kind === "split" ? [0.3, 0.6, 0.9, 1] : [0.5];
      for (const part of parts) {
        const input = commits.slice(0, Math.ceil(commits.length * part)).join("\n");
        const flags = ["--stdin-commits", "--split=no-merge", "--no-progress"];
        // Filters in some layers only.
        if (part < 0.5) flags.push("--changed-paths");
        repository.git(["commit-graph", "write", ...flags], { input });
      }
    }
  }
}

function parse(text: string): Oid {
  const oid = parseOid(text);
  assert.ok(oid, text);
  return oid;
}

function allCommits(repository: TestRepository): Oid[] {
  return repository.gitLines(["rev-list", "--all"]).map(parse);
}

/** Flags of `git rev-list` for the options. */
function revListFlags(options: WalkOptions): string[] {
  const orders = {
    default: [],
    date: ["--date-order"],
    "author-date": ["--author-date-order"],
    topo: ["--topo-order"],
  };
  const flags: string[] = [...orders[options.order ?? "default"]];
  if (options.firstParent === true) flags.push("--first-parent");
  if (options.reverse === true) flags.push("--reverse");
  if (options.boundary === true) flags.push("--boundary");
  if (options.skip !== undefined) flags.push(`--skip=${options.skip}`);
  if (options.limit !== undefined) flags.push(`--max-count=${options.limit}`);
  if (options.since !== undefined) flags.push(`--max-age=${options.since}`);
  if (options.until !== undefined) flags.push(`--min-age=${options.until}`);
  if (options.parentsMin !== undefined) flags.push(`--min-parents=${options.parentsMin}`);
  if (options.parentsMax !== undefined) flags.push(`--max-parents=${options.parentsMax}`);
  return flags;
}

/** Paths that the generated histories have, and some that they don't. */
const PATHS = [
  "README",
  "src",
  "src/",
  "src/main",
  "src/main/",
  "src/main.c",
  "./src//main/deep",
  "docs/café.md",
  "docs",
  "with blank/a b",
  "modules",
  "modules/1",
  "modules/1/",
  "modules/1/inside",
  "link",
  "link/",
  "zeta/",
  "missing/file",
  "src/../zeta",
  ".",
] as const;

function randomPaths(random: Random): string[] {
  return Array.from({ length: 1 + random.below(2) }, () => random.pick(PATHS));
}

function randomOptions(random: Random, commits: readonly Oid[], paths: string[]): WalkOptions {
  const maybe = <T>(value: T, oneIn = 4): T | undefined =>
    random.oneIn(oneIn) ? value : undefined;
  const tips = Array.from({ length: 1 + random.below(4) }, (_, i): WalkTip => {
    return { oid: random.pick(commits), isExcluded: i > 0 && random.oneIn(2) };
  });
  const order = random.pick(ORDERS);
  return {
    tips,
    order,
    // Git doesn't get to know the author's time of some commits then, and puts them last.
    firstParent: order === "author-date" ? undefined : maybe(true),
    reverse: maybe(true),
    boundary: maybe(true),
    skip: maybe(random.below(10)),
    limit: maybe(random.below(20)),
    since: maybe(1_600_000_000 + random.below(3000), 6),
    until: maybe(1_600_000_000 + random.below(6000), 6),
    parentsMin: maybe(random.below(3), 8),
    parentsMax: maybe(random.below(3), 8),
    paths: PathSelection.parse(paths.map((path) => Buffer.from(path))),
  };
}

async function walkLines(repository: GitRepository, options: WalkOptions): Promise<string[]> {
  const lines: string[] = [];
  for await (const { oid, isBoundary } of repository.history.walk(options, signal)) {
    lines.push(isBoundary ? `-${oid}` : oid);
  }
  return lines;
}

async function assertSameWalks(
  real: TestRepository,
  repository: GitRepository,
  random: Random,
  count: number,
): Promise<void> {
  const commits = allCommits(real);
  for (let i = 0; i < count; i++) {
    const paths = random.oneIn(3) ? randomPaths(random) : [];
    const options = randomOptions(random, commits, paths);
    const tips = options.tips.map(({ oid, isExcluded }) => (isExcluded === true ? `^${oid}` : oid));
    const flags = revListFlags(options);
    const args = ["rev-list", ...flags, ...tips, "--", ...paths];
    const expected = real.gitLines(["--literal-pathspecs", ...args]);
    const command = args.join(" ");
    assert.deepEqual(await walkLines(repository, options), expected, command);
    if (options.boundary === true) continue;
    assert.equal(await repository.history.count(options, signal), expected.length, command);
  }
}

/** Of how many pairs everything is compared: what takes git long would take hours for 10,000. */
const PAIRS_IN_FULL = 100;

/** Counts of walks through a large history, each of which takes git seconds. */
const LARGE_WALKS_MAX = 100;

async function assertSameAncestry(
  real: TestRepository,
  repository: GitRepository,
  random: Random,
  count: number,
): Promise<void> {
  const { history } = repository;
  const commits = allCommits(real);
  for (let i = 0; i < count; i++) {
    const [a, b] = [random.pick(commits), random.pick(commits)];
    const bases = mergeBases(real, ["--all", a, b]);
    assert.deepEqual(await history.mergeBases([a, b], signal), bases, `--all ${a} ${b}`);
    assert.equal(await history.isAncestor(a, b, signal), bases.includes(a), `${a} ${b}`);
    if (i >= PAIRS_IN_FULL) continue;
    const [first] = mergeBases(real, [a, b]);
    assert.equal(await history.mergeBase([a, b], signal), first, `${a} ${b}`);
    const [left, right] = real
      .gitLine(["rev-list", "--left-right", "--count", `${a}...${b}`])
      .split("\t")
      .map(Number);
    assert.deepEqual(await history.divergence(a, b, signal), { left, right }, `${a}...${b}`);
    if (i % 4 !== 0) continue;
    const several = Array.from({ length: 3 + random.below(3) }, () => random.pick(commits));
    const common = mergeBases(real, ["--all", ...several]);
    assert.deepEqual(await history.mergeBases(several, signal), common, several.join(" "));
    const independent = mergeBases(real, ["--independent", ...several]).sort();
    assert.deepEqual((await history.independent(several, signal)).sort(), independent);
  }
}

/** The same objects and references in a repository in which git is quick. */
function withCommitGraph(t: TestContext, path: string): TestRepository {
  const real = createTestRepository(t);
  writeFileSync(join(real.path, "objects/info/alternates"), `${join(path, "objects")}\n`);
  real.git(["fetch", "--quiet", path, "+refs/*:refs/*"]);
  real.git(["commit-graph", "write", "--reachable", "--no-progress"]);
  return real;
}

/** Git fails without a word when there is none. */
function mergeBases(real: TestRepository, args: readonly string[]): string[] {
  const script = `!git merge-base ${args.join(" ")} || test $? = 1`;
  return real.gitLines(["-c", `alias.bases=${script}`, "bases"]);
}

for (const [salt, graph] of GRAPHS.entries()) {
  for (const format of FORMATS) {
    test(`${format}, commit-graph ${graph}: links, ancestry and walks`, async (t) => {
      const random = randomOf(t, salt);
      const real = createTestRepository(t, { format });
      generateHistory(real, random, { commits: 100, skewOneIn: 4 + salt * 3 });
      writeGraph(real, graph);
      const repository = openRepository(t, real.path);
      for (const line of real.gitLines([
        "rev-list",
        "--all",
        "--format=%H %T %ct %P",
        "--no-commit-header",
      ])) {
        const [oid = "", tree, time, ...parents] = line.trimEnd().split(" ");
        assert.deepEqual(
          repository.history.find(parse(oid)),
          { oid, tree, committedAt: Number(time), parents },
          oid,
        );
      }
      await assertSameAncestry(real, repository, random, 25);
      await assertSameWalks(real, repository, random, 80);
    });
  }
}

test("times far from the ordinary are the same with and without a commit-graph", async (t) => {
  const real = createTestRepository(t);
  const times = ["0", "1", "2147483648", "4294967296", "17179869183", "99999999999", "5"];
  const parts = times.map((time, i) => {
    const from = i === 0 ? "" : `from :${i}\n`;
    return `commit refs/heads/main\nmark :${i + 1}\ncommitter C <c@d> ${time} +0000\ndata 1\nx${from}\n`;
  });
  real.git(["fast-import", "--quiet", "--date-format=raw-permissive"], { input: parts.join("") });
  const random = randomOf(t, 99);
  await assertSameWalks(real, openRepository(t, real.path), random, 10);
  real.git(["commit-graph", "write", "--reachable"]);
  await assertSameWalks(real, openRepository(t, real.path), random, 10);
});

test("a shallow repository and grafts end history where git ends it", async (t) => {
  const real = createTestRepository(t);
  const random = randomOf(t, 100);
  generateHistory(real, random, { commits: 60 });
  real.git(["commit-graph", "write", "--reachable"]);
  const commits = allCommits(real);
  writeFileSync(join(real.path, "shallow"), `${commits[20]}\n${commits[25]}\n`);
  await assertSameWalks(real, openRepository(t, real.path), random, 20);
  writeFileSync(
    join(real.path, "info/grafts"),
    `# a graft\n${commits[10]} ${commits.at(-1)}\n${commits[5]} bad\n`,
  );
  await assertSameWalks(real, openRepository(t, real.path), random, 20);
});

test("ancestry and walks of the repository in GITALY_TEST_REPOSITORY", async (t) => {
  const path = process.env["GITALY_TEST_REPOSITORY"];
  if (path === undefined) {
    t.skip("not given");
    return;
  }
  const random = randomOf(t, 101);
  const count = Number(process.env["GITALY_TEST_COUNT"] ?? 100);
  const repository = openRepository(t, path);
  await assertSameAncestry(withCommitGraph(t, path), repository, random, count);
  const walks = Math.min(Math.ceil(count * 0.4), LARGE_WALKS_MAX);
  await assertSameWalks(openTestRepository(path, "sha1"), repository, random, walks);
});
