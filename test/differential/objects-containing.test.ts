import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Oid, parseOid } from "../../src/git/oid/oid.ts";
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

const { signal } = new AbortController();

/** Which part of the commits is in a commit-graph, and of what kind that is. */
const GRAPHS = [
  { part: 0, generationVersion: 2 },
  { part: 1, generationVersion: 2 },
  { part: 1, generationVersion: 1 },
  { part: 0.5, generationVersion: 2 },
] as const;

function randomOf(t: TestContext, salt: number): Random {
  const seed = testSeed();
  t.diagnostic(`GITALY_TEST_SEED=${seed}`);
  return new Random(seed + salt);
}

function openRepository(t: TestContext, path: string): GitRepository {
  const resources = new ReaderResources();
  const cache = new RepositoryCache(resources);
  t.after(() => cache.close());
  return cache.open(path);
}

function parse(text: string): Oid {
  const oid = parseOid(text);
  assert.ok(oid !== undefined, text);
  return oid;
}

function writeGraph(
  real: TestRepository,
  commits: readonly Oid[],
  { part, generationVersion }: (typeof GRAPHS)[number],
): void {
  const input = commits
    .toReversed()
    .slice(0, Math.ceil(commits.length * part))
    .join("\n");
  const config = ["-c", `commitGraph.generationVersion=${generationVersion}`];
  const write = ["commit-graph", "write", "--stdin-commits", "--no-progress"];
  real.git([...config, ...write], { input });
}

for (const [salt, graph] of GRAPHS.entries()) {
  for (const format of ["sha1", "sha256"] as const) {
    const title = `${format}, ${graph.part} in a commit-graph ${graph.generationVersion}`;
    test(`${title}: commits that contain another`, async (t) => {
      const random = randomOf(t, salt);
      const real = createTestRepository(t, { format });
      generateHistory(real, random, { commits: 120, skewOneIn: 3 + salt });
      const commits = real.gitLines(["rev-list", "--all", "--topo-order"]).map(parse);
      if (graph.part > 0) writeGraph(real, commits, graph);
      const some = Array.from({ length: 30 }, () => random.pick(commits));
      const input = some.map((oid, index) => `create refs/some/${index} ${oid}\n`).join("");
      real.git(["update-ref", "--stdin"], { input });
      const { history } = openRepository(t, real.path);
      for (const target of commits) {
        const expected = real.gitLines([
          "for-each-ref",
          `--contains=${target}`,
          "--format=%(objectname)",
          "refs/some/",
        ]);
        const actual = await history.containing(target, some, signal);
        assert.deepEqual([...actual].sort(), [...new Set(expected)].sort(), target);
      }
    });
  }
}

test("nothing contains a commit when there are no others", async (t) => {
  const real = createTestRepository(t);
  generateHistory(real, randomOf(t, 10), { commits: 10 });
  const [target = ""] = real.gitLines(["rev-list", "--all"]);
  const { history } = openRepository(t, real.path);
  assert.equal((await history.containing(parse(target), [], signal)).size, 0);
});

test("branches that contain commits of the repository in GITALY_TEST_REPOSITORY", async (t) => {
  const path = process.env["GITALY_TEST_REPOSITORY"];
  if (path === undefined) {
    t.skip("not given");
    return;
  }
  const random = randomOf(t, 11);
  const real = openTestRepository(path, "sha1");
  const { history } = openRepository(t, path);
  const commits = real.gitLines(["rev-list", "--all", "--max-count=5000"]).map(parse);
  const format = "--format=%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)";
  const list = ["for-each-ref", format, "refs/heads", "refs/tags/v2.4*"];
  const tips = real.gitLines(list).map(parse);
  for (let i = 0; i < 3; i++) {
    const target = random.pick(commits);
    const expected = real.gitLines([...list, `--contains=${target}`]);
    const actual = await history.containing(target, tips, signal);
    assert.deepEqual([...actual].sort(), [...new Set(expected)].sort());
  }
});
