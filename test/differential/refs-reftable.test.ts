import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ObjectFormat } from "../../src/git/oid/oid.ts";
import { HEAD, parseRefName } from "../../src/git/ref/ref-name.ts";
import { ReftableRefReader } from "../../src/git/ref/reftable-ref-reader.ts";
import type { TestRepository } from "../../src/testing/git-repository.ts";
import {
  assertListsLikeGit,
  assertResolvesLikeGit,
  createRefs,
  createRefsFixture,
  type Random,
  type RefsFixture,
  seededRandom,
  updateRefs,
} from "./refs-fixture.ts";

const FORMATS: readonly ObjectFormat[] = ["sha1", "sha256"];

function readerOf({ repository }: RefsFixture): ReftableRefReader {
  return new ReftableRefReader({ directory: repository.path, objectFormat: repository.format });
}

function tableSizes({ repository }: RefsFixture): number[] {
  const directory = join(repository.path, "reftable");
  const names = fs.readFileSync(join(directory, "tables.list"), "utf8").split("\n").slice(0, -1);
  return names.map((name) => fs.statSync(join(directory, name)).size);
}

function withoutCompaction(fixture: RefsFixture): RefsFixture {
  const { repository } = fixture;
  const env = { GIT_TEST_REFTABLE_AUTOCOMPACTION: "false" };
  const git: TestRepository["git"] = (args, options) => repository.git(args, { ...options, env });
  return { ...fixture, repository: { ...repository, git } };
}

/** Adds `count` references with regular names in one transaction, and returns all those names. */
function createMany({ repository, objects }: RefsFixture, random: Random, count: number): string[] {
  const names = Array.from({ length: count }, (_, index) => `refs/many/${index % 97}/${index}`);
  const input = names.map((name) => `create ${name} ${random.pick(objects)}\n`).join("");
  repository.git(["update-ref", "--stdin"], { input });
  return names;
}

for (const format of FORMATS) {
  test(`reftable in ${format}: small blocks, an index of several levels and deep stacks`, (t) => {
    const random = seededRandom(t);
    const fixture = createRefsFixture(t, random, { format, refFormat: "reftable", count: 60 });
    const { repository } = fixture;
    repository.git(["config", "reftable.blockSize", "512"]);
    repository.git(["config", "reftable.restartInterval", `${1 + random.below(5)}`]);
    const names = createMany(fixture, random, 3000);
    repository.git(["pack-refs"]);
    const refs = readerOf(fixture);
    // Without compaction each update adds a table, of which some only say that names are deleted.
    const uncompacted = withoutCompaction(fixture);
    for (let round = 0; round < 12; round++) {
      createRefs(uncompacted, random, 4);
      updateRefs(uncompacted, random, 6);
      assertListsLikeGit(fixture, refs, { patterns: ["refs/heads", "refs/many/3/"] });
    }
    assert.ok(tableSizes(fixture).length > 10);
    assertListsLikeGit(fixture, refs);
    const asked = [...names, "refs/many", "refs/many/9", "refs/many/98/1", "refs/a", "refs/zzz"];
    const valid = asked.flatMap((name) => parseRefName(name) ?? []);
    assertResolvesLikeGit(fixture, refs, [HEAD, ...fixture.names, ...valid]);
  });
}

test("reftable: a table too large to be kept in memory is read in place", (t) => {
  const random = seededRandom(t);
  const fixture = createRefsFixture(t, random, {
    format: "sha1",
    refFormat: "reftable",
    count: 20,
  });
  const names = createMany(fixture, random, 40_000).filter(() => random.below(20) === 0);
  fixture.repository.git(["pack-refs"]);
  assert.ok(Math.max(...tableSizes(fixture)) > 1_048_576);
  const refs = readerOf(fixture);
  assertListsLikeGit(fixture, refs);
  assertListsLikeGit(fixture, refs, { patterns: ["refs/many/17", "refs/heads"] });
  const valid = names.flatMap((name) => parseRefName(name) ?? []);
  assertResolvesLikeGit(fixture, refs, [...valid, ...fixture.names]);
});

test("reftable: a listing goes on when its tables are compacted away", (t) => {
  const random = seededRandom(t);
  const fixture = createRefsFixture(t, random, {
    format: "sha1",
    refFormat: "reftable",
    count: 30,
  });
  const refs = readerOf(fixture);
  const before = [...refs.list()];
  const listing = refs.list();
  const first = listing.next();
  createRefs(fixture, random, 20);
  fixture.repository.git(["pack-refs"]);
  assert.deepEqual([first.value, ...listing], before);
  assertListsLikeGit(fixture, refs);
});
