import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Oid, parseOid, zeroOid } from "../../git/oid/oid.ts";
import { parseRefName } from "../../git/ref/ref-name.ts";
import type { RefReader } from "../../git/ref/ref-reader.ts";
import { RepositoryCache } from "../../git/repository/repository-cache.ts";
import {
  createTestRepository,
  findTestGit,
  type TestRepository,
} from "../../testing/git-repository.ts";
import { startTestGitRunner } from "../../testing/test-git-runner.ts";
import type { RefTransaction } from "./ref-transaction.ts";
import { RefLockedError, RefUpdateError } from "./ref-update-errors.ts";
import { startRefTransaction } from "./start-ref-transaction.ts";

const ZERO = zeroOid("sha1");

interface Fixture {
  readonly repository: TestRepository;
  readonly refs: RefReader;
  start(signal?: AbortSignal): Promise<RefTransaction>;
}

async function setUp(t: TestContext): Promise<Fixture> {
  const repository = createTestRepository(t);
  const git = await startTestGitRunner(t);
  const repositories = new RepositoryCache();
  t.after(() => repositories.close());
  return {
    repository,
    refs: repositories.open(repository.path).refs,
    start: (signal = t.signal) =>
      startRefTransaction({ git, repositories }, repository, { signal, objectFormat: "sha1" }),
  };
}

/** Writes blobs, each with another content. */
function makeBlobs({ git }: TestRepository, count: number): Oid[] {
  const blobs = Array.from(
    { length: count },
    (_, index) => `blob\nmark :${index + 1}\ndata <<E\n${index}\nE\n`,
  );
  const marks = Array.from({ length: count }, (_, index) => `get-mark :${index + 1}\n`);
  const output = git(["fast-import", "--quiet"], {
    input: [...blobs, ...marks, "done\n"].join(""),
  });
  return output.toString().trimEnd().split("\n").map(oid);
}

function oid(text: string): Oid {
  const parsed = parseOid(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

function lockFiles({ path }: TestRepository): string[] {
  const names = readdirSync(path, { recursive: true, encoding: "utf8" });
  return names.filter((name) => /\.lock$|packed-refs\.new$/.test(name));
}

test("2,000 references are created without as many open files", async (t) => {
  const { repository, refs, start } = await setUp(t);
  const [blob = ZERO] = makeBlobs(repository, 1);
  const before = readdirSync("/proc/self/fd").length;
  await using transaction = await start();
  for (let index = 0; index < 2000; index++)
    await transaction.create(`refs/x/${index % 50}/${index}`, blob);
  await transaction.prepare();
  assert.ok(readdirSync("/proc/self/fd").length < before + 20);
  assert.equal(lockFiles(repository).length, 2000);
  await transaction.commit();
  assert.deepEqual(lockFiles(repository), []);
  assert.equal([...refs.list()].length, 2000);
});

test("5,000 packed references are deleted at once", async (t) => {
  const { repository, refs, start } = await setUp(t);
  const [blob = ZERO, other = ZERO] = makeBlobs(repository, 2);
  const input = Array.from({ length: 20_000 }, (_, index) => `create refs/x/${index} ${blob}\n`);
  repository.git(["update-ref", "--stdin"], { input: input.join("") });
  repository.git(["pack-refs", "--all"]);
  repository.git(["update-ref", "refs/x/4", other]);
  const records = readFileSync(join(repository.path, "packed-refs"), "utf8").split("\n");
  await using transaction = await start();
  for (let index = 0; index < 5000; index++) await transaction.delete(`refs/x/${index * 4}`);
  await transaction.commit();
  const kept = records.filter((record) => !isFourth(record));
  assert.deepEqual(readFileSync(join(repository.path, "packed-refs"), "utf8").split("\n"), kept);
  assert.equal([...refs.list()].length, 15_000);
  assert.equal(refs.findOid(refName("refs/x/4")), undefined);
  repository.git(["refs", "verify"]);
});

function isFourth(record: string): boolean {
  return Number(/\/(\d+)$/.exec(record)?.[1]) % 4 === 0;
}

function refName(name: string) {
  const parsed = parseRefName(name);
  assert.ok(parsed !== undefined);
  return parsed;
}

test("a transaction that is given up while it waits leaves no lock and no folder", async (t) => {
  const { repository, start } = await setUp(t);
  const [blob = ZERO] = makeBlobs(repository, 1);
  repository.git(["update-ref", "refs/x/held", blob]);
  repository.git(["config", "core.filesRefLockTimeout", "-1"]);
  const lock = join(repository.path, "refs/x/held.lock");
  const controller = new AbortController();
  await using holder = await start();
  await holder.delete("refs/x/held");
  await holder.prepare();
  await using waiting = await start(controller.signal);
  await waiting.create("refs/new/folder/x", blob);
  await waiting.update("refs/x/held", blob);
  const preparing = waiting.prepare();
  while (!existsSync(join(repository.path, "refs/new/folder/x.lock")))
    await new Promise(setImmediate);
  controller.abort(new Error("gone"));
  await assert.rejects(preparing, /gone/);
  assert.deepEqual(lockFiles(repository).sort(), ["packed-refs.lock", "refs/x/held.lock"]);
  assert.equal(existsSync(join(repository.path, "refs/new/folder")), false);
  await holder.abort();
  assert.equal(existsSync(lock), false);
});

test("a transaction waits for a lock that is given back", async (t) => {
  const { repository, refs, start } = await setUp(t);
  const [one = ZERO, two = ZERO] = makeBlobs(repository, 2);
  await using holder = await start();
  await holder.update("refs/x/a", one);
  await holder.prepare();
  await using waiting = await start();
  await waiting.update("refs/x/a", two, one);
  const committing = waiting.commit();
  await holder.commit();
  await committing;
  assert.equal(refs.findOid(refName("refs/x/a")), two);
});

test("what is changed in-process git sees at once, and the other way round", async (t) => {
  const { repository, refs, start } = await setUp(t);
  const blobs = makeBlobs(repository, 20);
  let last: Oid = ZERO;
  for (const [index, blob] of blobs.entries()) {
    await using transaction = await start();
    await transaction.update("refs/x/a", blob, last);
    await transaction.commit();
    assert.equal(refs.findOid(refName("refs/x/a")), blob);
    assert.equal(repository.gitLine(["rev-parse", "refs/x/a"]), blob);
    if (index % 3 === 0) repository.git(["pack-refs", "--all"]);
    last = blob;
  }
});

/** A change of a reference that somebody has been told is done. */
interface Done {
  readonly name: string;
  readonly from: Oid;
  readonly to: Oid;
}

const RACED = ["refs/x/a", "refs/x/b/c", "refs/x/b/d/e"];

test("no update is lost and none invented while git changes references as well", async (t) => {
  const { repository, refs, start } = await setUp(t);
  const values = makeBlobs(repository, 900);
  const done: Done[] = [];
  const ours = Array.from({ length: 3 }, (_, writer) => async () => {
    for (const [index, value] of values.slice(writer * 200, writer * 200 + 200).entries()) {
      const name = RACED[index % RACED.length] ?? "";
      const from = refs.findOid(refName(name)) ?? ZERO;
      const to = index % 5 === 4 && from !== ZERO ? ZERO : value;
      await using transaction = await start();
      await transaction.update(name, to, from);
      if (await succeeds(transaction)) done.push({ name, from, to });
    }
  });
  const theirs = async (): Promise<void> => {
    for (const [index, value] of values.slice(600).entries()) {
      if (isOver) return;
      const name = RACED[index % RACED.length] ?? "";
      const from = refs.findOid(refName(name)) ?? ZERO;
      const to = index % 5 === 4 && from !== ZERO ? ZERO : value;
      if ((await run(repository, ["update-ref", name, to, from])) === 0)
        done.push({ name, from, to });
    }
  };
  let isOver = false;
  const keeping = async (): Promise<void> => {
    while (!isOver) {
      await run(repository, ["pack-refs", "--all", "--prune"]);
      await run(repository, ["gc", "--quiet", "--prune=never"]);
    }
  };
  const others = [theirs(), keeping()];
  await Promise.all(ours.map((write) => write()));
  isOver = true;
  await Promise.all(others);
  assert.ok(done.length > 100, `${done.length} updates`);
  for (const name of RACED)
    assertOneChain(
      done.filter((update) => update.name === name),
      refs.findOid(refName(name)) ?? ZERO,
    );
  assert.deepEqual(lockFiles(repository), []);
  repository.git(["refs", "verify"]);
});

async function succeeds(transaction: RefTransaction): Promise<boolean> {
  try {
    await transaction.commit();
    return true;
  } catch (error) {
    // Others were faster: the value is another one, or the reference is gone, or locked for long.
    assert.ok(
      error instanceof RefUpdateError || /exit status 128/.test(String(error)),
      String(error),
    );
    assert.ok(!(error instanceof RefLockedError) || error.refName !== "");
    return false;
  }
}

async function run({ path }: TestRepository, args: readonly string[]): Promise<number> {
  const child: ChildProcess = spawn(findTestGit(), ["-C", path, ...args], { stdio: "ignore" });
  const [code] = await once(child, "exit");
  return Number(code);
}

/** Each value but the last one has been replaced as often as it was set. */
function assertOneChain(done: readonly Done[], last: Oid): void {
  const balance = new Map<Oid, number>([[ZERO, 1]]);
  const add = (value: Oid, count: number): void =>
    void balance.set(value, (balance.get(value) ?? 0) + count);
  for (const { from, to } of done) {
    add(from, -1);
    add(to, 1);
  }
  const left = [...balance].filter(([, count]) => count !== 0);
  assert.deepEqual(left, [[last, 1]]);
}

test("a folder that others make where a reference gets its file doesn't keep it from it", async (t) => {
  const { repository, refs, start } = await setUp(t);
  const [blob = ZERO] = makeBlobs(repository, 1);
  await using transaction = await start();
  await transaction.update("refs/x/a", blob);
  await transaction.prepare();
  await using other = await start();
  await other.update("refs/x/a/b", blob);
  await other.prepare();
  await other.abort();
  await transaction.commit();
  assert.equal(refs.findOid(refName("refs/x/a")), blob);
});

test("a commit that fails says so and gives all locks back", async (t) => {
  const { repository, start } = await setUp(t);
  const [blob = ZERO] = makeBlobs(repository, 1);
  await using transaction = await start();
  await transaction.update("refs/x/a", blob);
  await transaction.prepare();
  repository.git(["update-ref", "refs/x/a/b", blob]);
  await assert.rejects(transaction.commit(), { name: "GitExitError", message: "exit status 128" });
  await assert.rejects(transaction.commit(), { name: "GitExitError" });
  assert.deepEqual(lockFiles(repository), []);
  writeFileSync(join(repository.path, "refs/x/other"), `${blob}\n`);
  repository.git(["refs", "verify"]);
});
