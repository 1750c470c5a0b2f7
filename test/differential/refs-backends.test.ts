import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectFormat } from "../../src/git/oid/oid.ts";
import { isAscii } from "../../src/git/ref/binary-string.ts";
import { FilesRefReader } from "../../src/git/ref/files-ref-reader.ts";
import { HEAD } from "../../src/git/ref/ref-name.ts";
import type { RefReader } from "../../src/git/ref/ref-reader.ts";
import { ReftableRefReader } from "../../src/git/ref/reftable-ref-reader.ts";
import {
  assertListsLikeGit,
  assertResolvesLikeGit,
  createRefs,
  createRefsFixture,
  type RefsFixture,
  seededRandom,
  updateRefs,
} from "./refs-fixture.ts";

type RefFormat = "files" | "reftable";

const FORMATS: readonly (readonly [RefFormat, ObjectFormat])[] = [
  ["files", "sha1"],
  ["files", "sha256"],
  ["reftable", "sha1"],
  ["reftable", "sha256"],
];

const PATTERNS: readonly (readonly string[])[] = [
  ["refs/heads"],
  ["refs/heads/"],
  ["refs/heads/main"],
  ["refs/heads/a", "refs/tags/a"],
  ["refs/*/a*"],
  ["refs/**/a"],
  ["refs/heads/?", "refs/heads/*/b"],
  ["refs/[ht]*/**"],
  ["heads/main", "HEAD", "refs/nothing"],
  ["refs/heads/\xc3\xa4", "refs/*/\xff*"],
  ["refs/heads/m", "refs/h*", "refs/heads"],
];

function readerOf({ repository }: RefsFixture, refFormat: RefFormat): RefReader {
  const store = { directory: repository.path, objectFormat: repository.format };
  return refFormat === "files" ? new FilesRefReader(store) : new ReftableRefReader(store);
}

for (const [refFormat, format] of FORMATS) {
  test(`${refFormat} in ${format}: lists and resolves what git does`, (t) => {
    const random = seededRandom(t);
    const fixture = createRefsFixture(t, random, { format, refFormat, count: 120 });
    const refs = readerOf(fixture, refFormat);
    assertListsLikeGit(fixture, refs);
    assertListsLikeGit(fixture, refs, { rootRefs: true });
    assertListsLikeGit(fixture, refs, { rootRefs: true, patterns: ["HEAD", "refs/heads/m*"] });
    assertResolvesLikeGit(fixture, refs, [HEAD, ...fixture.names]);
    for (const patterns of PATTERNS) {
      assertListsLikeGit(fixture, refs, { patterns });
      if (isAscii(patterns.join())) assertListsLikeGit(fixture, refs, { exclude: patterns });
    }
    // Git's own --start-after takes old values from packed-refs, so it can't be the judge.
    const all = [...refs.list()];
    for (const after of [...all.map(({ name }) => name), "refs/heads/a/", "refs", "~"]) {
      const following = all.filter(({ name }) => name > after);
      assert.deepEqual([...refs.list({ after })], following);
    }
  });

  test(`${refFormat} in ${format}: one reader follows all changes`, (t) => {
    const random = seededRandom(t);
    const fixture = createRefsFixture(t, random, { format, refFormat, count: 40 });
    const refs = readerOf(fixture, refFormat);
    for (let round = 0; round < 25; round++) {
      const change = random.below(4);
      if (change === 0) fixture.repository.git(["pack-refs", "--all", "--no-prune"]);
      else if (change === 1) fixture.repository.git(["pack-refs", "--all"]);
      else if (change === 2) createRefs(fixture, random, 5);
      else updateRefs(fixture, random, 8);
      assertResolvesLikeGit(fixture, refs, [HEAD, ...fixture.names]);
      assertListsLikeGit(fixture, refs);
    }
  });
}
