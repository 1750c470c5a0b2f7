import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ObjectFormat } from "../../git/oid/oid.ts";
import type { TestRepository } from "../../testing/git-repository.ts";
import {
  createRefRepositoryPair,
  type PairObjects,
  type RefRepositoryPair,
} from "../../testing/ref-repository-pair.ts";
import type { RefChange } from "./ref-change.ts";

const FORMATS: readonly ObjectFormat[] = ["sha1", "sha256"];

/** A branch that holds a tag, by way of a symbolic reference, isn't packed. */
function mayPack(args: readonly string[]): (repository: TestRepository) => void {
  return ({ git }) => {
    try {
      git(["pack-refs", ...args]);
    } catch (error) {
      assert.match(String(error), /non-commit object/);
    }
  };
}

/** Numbers from 0 up to a bound, the same for each run of a seed. */
function randomNumbers(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

const NAMES = [
  "HEAD",
  "refs/heads/main",
  "refs/heads/a",
  "refs/heads/a/b",
  "refs/heads/a/b/c",
  "refs/heads/b",
  "refs/tags/t",
  "refs/x/y/z",
  "refs/x/y",
  "refs/heads/sym",
];

function randomChange(random: (bound: number) => number, objects: PairObjects): RefChange {
  const pick = <T>(values: readonly T[]): T => {
    const value = values[random(values.length)];
    assert.ok(value !== undefined);
    return value;
  };
  const { commits, zero, tag, blob, missing } = objects;
  const name = pick(NAMES);
  const usual = [...commits, ...commits, zero, zero];
  const newOid = random(12) === 0 ? pick([tag, blob, missing]) : pick(usual);
  const oldOid = random(3) > 0 ? undefined : pick([...commits, zero, zero, zero]);
  if (random(12) === 0) return { name, newTarget: pick(NAMES) };
  if (random(12) === 0) return { name, oldOid: pick(usual) };
  return { name, newOid, oldOid };
}

function makeFolders({ path }: TestRepository): void {
  try {
    mkdirSync(join(path, "refs/heads/a/b/c/d"), { recursive: true });
  } catch {
    // A reference is in the way.
  }
}

/** Without a valid HEAD git takes nothing for a repository. */
function repairHead({ path }: TestRepository): void {
  const head = join(path, "HEAD");
  const isValid =
    existsSync(head) && /^(?:ref: refs\/|[0-9a-f]{40})/.test(readFileSync(head, "utf8"));
  if (!isValid) writeFileSync(head, "ref: refs/heads/main\n");
}

/** What others may do between two transactions. */
function disturb(random: (bound: number) => number, { both, objects }: RefRepositoryPair): void {
  const action = random(12);
  if (action === 0) both(mayPack(["--all"]));
  if (action === 1) both(mayPack([]));
  if (action === 2) both(makeFolders);
  const [one] = objects.commits;
  if (action === 3) both(({ git }) => git(["symbolic-ref", "HEAD", "refs/heads/main"]));
  if (action === 4 && one !== undefined)
    both(({ git }) => git(["update-ref", "--no-deref", "refs/tags/t", one]));
}

for (const [index, format] of FORMATS.entries()) {
  test(`any transactions change references in-process as git changes them (${format})`, async (t) => {
    const seed = Number(process.env["GITALY_TESTING_SEED"] ?? 20_261_122 + index);
    t.diagnostic(`seed ${seed}`);
    const random = randomNumbers(seed);
    const pair = await createRefRepositoryPair(t, format);
    for (let round = 0; round < 200; round++) {
      disturb(random, pair);
      const changes = Array.from({ length: 1 + random(4) }, () =>
        randomChange(random, pair.objects),
      );
      const steps = ["commit", "commit", "prepare and commit", "prepare and abort"] as const;
      const isLocked = random(10) === 0;
      const lock = ["HEAD", "packed-refs", "refs/heads/b", "refs/heads/main"][random(4)] ?? "HEAD";
      if (isLocked) pair.both(({ path }) => writeFileSync(join(path, `${lock}.lock`), ""));
      const step = steps[random(4)] ?? "commit";
      await pair.transact(changes, { noDeref: random(2) === 0, step });
      if (isLocked) pair.both(({ path }) => rmSync(join(path, `${lock}.lock`)));
      pair.both(repairHead);
      if (random(20) === 0)
        pair.both(({ path }) => rmSync(join(path, "packed-refs"), { force: true }));
    }
    pair.both(({ git }) => git(["refs", "verify"]));
    assert.ok(pair.leftToGit() < 100);
  });
}
