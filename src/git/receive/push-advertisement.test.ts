import assert from "node:assert/strict";
import { readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createTestRepository, type TestRepository } from "../../testing/git-repository.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import type { ObjectFormat } from "../oid/oid.ts";
import { RepositoryCache } from "../repository/repository-cache.ts";
import { pushAdvertisement, UnadvertisableRefError } from "./push-advertisement.ts";
import { receiveSettings } from "./receive-settings.ts";

const USUAL = [
  { key: "core.alternateRefsCommand", value: "exit 0 #" },
  { key: "receive.autogc", value: "false" },
] as const;

/** Advertises a repository's references in-process, as often as asked for. */
function advertiser(t: TestContext, { path }: TestRepository): (hidden?: string[]) => string {
  const cache = new RepositoryCache();
  t.after(() => cache.close());
  return (hidden = []) => {
    const rules = hidden.map((value) => ({ key: "transfer.hideRefs", value }));
    const settings = receiveSettings([], [...USUAL, ...rules]);
    assert.ok(settings);
    const parts = pushAdvertisement(cache.open(path), settings, { agent: "git/x", version: 0 });
    return Buffer.concat([...parts]).toString("latin1");
  };
}

/** What git says, its capabilities left out. */
function fromGit(repository: TestRepository, hidden: readonly string[] = []): string {
  const settings = [...USUAL, ...hidden.map((value) => ({ key: "transfer.hideRefs", value }))];
  const flags = settings.flatMap(({ key, value }) => ["-c", `${key}=${value}`]);
  const args = [...flags, "receive-pack", "--http-backend-info-refs", repository.path];
  return refsOf(repository.git(args).toString("latin1"));
}

/** The lines without the length and the capabilities of the first one. */
function refsOf(advertisement: string): string {
  return advertisement.replace(/^..../, "").replace(/\0[^\n]*/, "");
}

for (const format of ["sha1", "sha256"] satisfies ObjectFormat[]) {
  test(`${format}: references are shown as git shows them, whatever changes`, (t) => {
    const repository = createTestRepository(t, { format });
    const commits = Array.from({ length: 4 }, (_, index) =>
      writeCommit(repository, { content: `${index}\n` }),
    );
    const set = (...lines: string[]): void => {
      repository.git(["update-ref", "--stdin"], {
        input: lines.map((line) => `${line}\n`).join(""),
      });
    };
    const advertise = advertiser(t, repository);
    const expectSame = (hidden: string[] = []): void => {
      const expected = fromGit(repository, hidden);
      // The second time from memory.
      for (const _ of [1, 2]) assert.equal(refsOf(advertise(hidden)), expected);
    };
    expectSame();
    const names = Array.from({ length: 3000 }, (_, index) => `refs/heads/b${index}/x`);
    set(...names.map((name, index) => `create ${name} ${commits[index % 3]}`));
    expectSame();
    repository.git(["repack", "-adq"]);
    repository.git(["pack-refs", "--all"]);
    expectSame();
    // Before, between, in the place of and behind packed ones.
    set(
      `create refs/heads/a ${commits[3]}`,
      `update refs/heads/b0/x ${commits[3]}`,
      `update refs/heads/b17/x ${commits[1]}`,
      `create refs/heads/b17-17 ${commits[3]}`,
      `update refs/heads/b999/x ${commits[3]}`,
      `create refs/zzz/\u00fc ${commits[3]}`,
      "delete refs/heads/b1/x",
    );
    repository.git(["symbolic-ref", "refs/heads/b2/x", "refs/heads/nowhere"]);
    repository.git(["symbolic-ref", "refs/heads/b3/y", "refs/heads/b5/x"]);
    expectSame();
    expectSame(["refs/heads/b1", "!refs/heads/b17"]);
    expectSame(["refs/heads/b0", "refs/heads/a"]);
    expectSame(["refs/zzz/\u00fc"]);
    repository.git(["pack-refs", "--all"]);
    expectSame();
    expectSame(["refs"]);
  });
}

test("an object that has gone is noticed", (t) => {
  const repository = createTestRepository(t);
  const commit = writeCommit(repository, { ref: "refs/heads/main" });
  repository.git(["repack", "-adq"]);
  repository.git(["pack-refs", "--all"]);
  const advertise = advertiser(t, repository);
  assert.ok(advertise().includes(commit));
  const packs = join(repository.path, "objects/pack");
  for (const name of readdirSync(packs)) renameSync(join(packs, name), join(packs, `x${name}.old`));
  assert.throws(() => advertise(), UnadvertisableRefError);
  for (const name of readdirSync(packs)) {
    renameSync(join(packs, name), join(packs, name.slice(1, -".old".length)));
  }
  assert.ok(advertise().includes(commit));
  writeFileSync(join(repository.path, "refs/heads/broken"), "x\n");
  assert.throws(() => advertise(), UnadvertisableRefError);
});
