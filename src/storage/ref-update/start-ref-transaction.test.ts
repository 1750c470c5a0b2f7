import assert from "node:assert/strict";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type ObjectFormat, type Oid, parseOid, zeroOid } from "../../git/oid/oid.ts";
import { RepositoryCache } from "../../git/repository/repository-cache.ts";
import { GitExitError } from "../../gitcmd/git-runner.ts";
import { createTestRepository, type TestRepository } from "../../testing/git-repository.ts";
import { startTestGitRunner } from "../../testing/test-git-runner.ts";
import type { RefTransaction, RefTransactionOptions } from "./ref-transaction.ts";
import * as errors from "./ref-update-errors.ts";
import { startRefTransaction } from "./start-ref-transaction.ts";

interface Fixture {
  readonly repository: TestRepository;
  readonly zero: Oid;
  /** Writes a commit without parents. */
  commit(message: string): Oid;
  start(options?: Partial<RefTransactionOptions>): Promise<RefTransaction>;
  /** All references as lines of name and object id, in order. */
  refs(): string[];
}

type Store = { readonly format: ObjectFormat; readonly refFormat: "files" | "reftable" };

const STORES: readonly Store[] = [
  { format: "sha1", refFormat: "files" },
  { format: "sha256", refFormat: "files" },
  { format: "sha1", refFormat: "reftable" },
  { format: "sha256", refFormat: "reftable" },
];

async function setUp(t: TestContext, store: Store): Promise<Fixture> {
  const repository = createTestRepository(t, store);
  // Git would wait for locks.
  const config = [
    { key: "core.packedRefsTimeout", value: "0" },
    { key: "core.filesRefLockTimeout", value: "0" },
  ];
  const git = await startTestGitRunner(t, { config });
  const repositories = new RepositoryCache();
  t.after(() => repositories.close());
  return {
    repository,
    zero: zeroOid(store.format),
    commit: (message) => {
      const tree = repository.gitLine(["hash-object", "-w", "-t", "tree", "--stdin"]);
      return oid(repository.gitLine(["commit-tree", "-m", message, tree]));
    },
    start: (options = {}) =>
      startRefTransaction({ git, repositories }, repository, {
        signal: t.signal,
        objectFormat: store.format,
        ...options,
      }),
    refs: () => repository.gitLines(["for-each-ref", "--format=%(refname) %(objectname)"]),
  };
}

function oid(text: string): Oid {
  const parsed = parseOid(text);
  assert.ok(parsed !== undefined);
  return parsed;
}

/** Names the test of one behaviour in each kind of repository. */
function testStores(name: string, run: (fixture: Fixture, store: Store) => Promise<void>): void {
  for (const store of STORES) {
    const title = `a reference transaction ${name} (${store.format}, ${store.refFormat})`;
    test(title, async (t) => run(await setUp(t, store), store));
  }
}

testStores("creates, updates and deletes references at once", async (fixture) => {
  const { commit, refs, start } = fixture;
  const [one, two] = [commit("one"), commit("two")];
  await using first = await start();
  await first.create("refs/heads/a", one);
  await first.update("refs/heads/b", one);
  await first.commit();
  assert.deepEqual(refs(), [`refs/heads/a ${one}`, `refs/heads/b ${one}`]);
  await using second = await start();
  await second.update("refs/heads/a", two, one);
  await second.delete("refs/heads/b", one);
  await second.delete("refs/heads/missing");
  await second.verify("refs/heads/other", fixture.zero);
  await second.create("refs/heads/\xff", one);
  await second.prepare();
  assert.deepEqual(refs(), [`refs/heads/a ${one}`, `refs/heads/b ${one}`]);
  await second.commit();
  const names = fixture.repository.git(["for-each-ref", "--format=%(refname)"]);
  assert.equal(names.toString("latin1"), "refs/heads/a\nrefs/heads/\xff\n");
});

testStores("makes symbolic references", async ({ repository, commit, start }) => {
  await using transaction = await start({ noDeref: true });
  await transaction.updateSymbolic("HEAD", "refs/heads/new");
  await transaction.updateSymbolic("refs/heads/alias", "refs/heads/new");
  await transaction.create("refs/heads/new", commit("one"));
  await transaction.commit();
  assert.equal(repository.gitLine(["symbolic-ref", "HEAD"]), "refs/heads/new");
  assert.equal(repository.gitLine(["symbolic-ref", "refs/heads/alias"]), "refs/heads/new");
});

testStores("follows symbolic references unless told otherwise", async (fixture) => {
  const { repository, commit, refs, start } = fixture;
  const one = commit("one");
  await using through = await start();
  await through.update("HEAD", one);
  await through.commit();
  assert.deepEqual(refs(), [`refs/heads/main ${one}`]);
  await using itself = await start({ noDeref: true });
  await itself.update("HEAD", commit("two"));
  await itself.commit();
  assert.throws(() => repository.git(["symbolic-ref", "HEAD"]));
  assert.deepEqual(refs(), [`refs/heads/main ${one}`]);
});

testStores("changes nothing without commit", async ({ repository, commit, refs, start }) => {
  const one = commit("one");
  {
    await using left = await start();
    await left.create("refs/heads/a", one);
    await left.prepare();
  }
  await using aborted = await start();
  await aborted.create("refs/heads/a", one);
  await aborted.prepare();
  await aborted.abort();
  assert.deepEqual(refs(), []);
  assert.equal(existsSync(join(repository.path, "refs/heads/a.lock")), false);
  await using next = await start();
  await next.create("refs/heads/a", one);
  await next.commit();
  assert.deepEqual(refs(), [`refs/heads/a ${one}`]);
});

testStores("takes more changes than fit into a pipe", async ({ commit, refs, start }) => {
  const one = commit("one");
  await using transaction = await start();
  const longName = `refs/heads/${"x".repeat(200)}`;
  for (let index = 0; index < 600; index++) await transaction.create(`${longName}${index}`, one);
  await transaction.commit();
  assert.equal(refs().length, 600);
});

/** A way to fail, and the error that it gives. */
interface Failure {
  readonly name: string;
  /** References that exist before, all at the commit `one`. */
  readonly before?: readonly string[];
  readonly change: (transaction: RefTransaction, objects: Objects) => Promise<void>;
  readonly error: (objects: Objects) => { readonly [field: string]: unknown };
}

interface Objects {
  readonly one: Oid;
  readonly two: Oid;
  readonly blob: Oid;
  readonly missing: Oid;
  readonly zero: Oid;
}

const FAILURES: readonly Failure[] = [
  {
    name: "the new reference exists",
    before: ["refs/heads/a"],
    change: (transaction, { one }) => transaction.create("refs/heads/a", one),
    error: () => ({ name: "RefExistsError", refName: "refs/heads/a" }),
  },
  {
    name: "a reference has another value",
    before: ["refs/heads/a"],
    change: (transaction, { one, two }) => transaction.update("refs/heads/a", one, two),
    error: ({ one, two }) => ({
      name: "RefMismatchError",
      message: "reference does not point to expected object",
      refName: "refs/heads/a",
      expectedOid: two,
      actualOid: one,
    }),
  },
  {
    name: "a reference to be verified has another value",
    before: ["refs/heads/a"],
    change: (transaction, { two }) => transaction.verify("refs/heads/a", two),
    error: ({ one, two }) => ({
      name: "RefMismatchError",
      refName: "refs/heads/a",
      expectedOid: two,
      actualOid: one,
    }),
  },
  {
    name: "a reference stands where a directory has to be",
    before: ["refs/heads/a"],
    change: (transaction, { one }) => transaction.create("refs/heads/a/b", one),
    error: () => ({
      name: "RefNameConflictError",
      existingName: "refs/heads/a",
      conflictingName: "refs/heads/a/b",
    }),
  },
  {
    name: "references stand where one has to be",
    before: ["refs/heads/a/b"],
    change: (transaction, { one }) => transaction.create("refs/heads/a", one),
    error: () => ({
      name: "RefNameConflictError",
      existingName: "refs/heads/a/b",
      conflictingName: "refs/heads/a",
    }),
  },
  {
    name: "two new references exclude each other",
    change: async (transaction, { one }) => {
      await transaction.create("refs/heads/a", one);
      await transaction.create("refs/heads/a/b", one);
    },
    error: () => ({ name: "ConflictingUpdatesError" }),
  },
  {
    name: "a reference changes twice",
    before: ["refs/heads/a"],
    change: async (transaction, { two }) => {
      await transaction.delete("refs/heads/a");
      await transaction.create("refs/heads/a", two);
    },
    error: () => ({ name: "RepeatedUpdateError", refName: "refs/heads/a" }),
  },
  {
    name: "a branch is to hold a blob",
    change: (transaction, { blob }) => transaction.create("refs/heads/a", blob),
    error: ({ blob }) => ({ name: "NotCommitError", refName: "refs/heads/a", oid: blob }),
  },
  {
    name: "the object is missing",
    change: (transaction, { missing }) => transaction.create("refs/heads/a\xff", missing),
    error: ({ missing }) => ({
      name: "ObjectNotFoundError",
      refName: "refs/heads/a\xff",
      oid: missing,
    }),
  },
  {
    name: "the name isn't valid",
    change: (transaction, { one }) => transaction.create("refs/heads/a..\xff", one),
    error: () => ({ name: "InvalidRefNameError", refName: "refs/heads/a..\xff" }),
  },
  {
    name: "the reference to be changed is missing",
    change: (transaction, { one, two }) => transaction.update("refs/heads/a", one, two),
    error: () => ({ name: "GitExitError", message: "exit status 128" }),
  },
];

for (const failure of FAILURES) {
  testStores(`fails when ${failure.name}`, async (fixture, { format }) => {
    const { commit, refs, repository, start, zero } = fixture;
    const blob = oid(repository.gitLine(["hash-object", "-w", "--stdin"], { input: "x" }));
    const missing = oid("1".repeat(zero.length));
    const objects = { one: commit("one"), two: commit("two"), blob, missing, zero };
    await using preparation = await start();
    for (const name of failure.before ?? []) await preparation.create(name, objects.one);
    await preparation.commit();
    const before = refs();
    await using transaction = await start();
    await failure.change(transaction, objects);
    const expected = failure.error(objects);
    // Either step finds it; which one is tried is left to the format to save half of the tests.
    const step = format === "sha1" ? "prepare" : "commit";
    await assert.rejects(transaction[step](), expected);
    await assert.rejects(transaction.create("refs/heads/b", objects.one), expected);
    await assert.rejects(transaction.commit(), expected);
    assert.deepEqual(refs(), before);
  });
}

testStores("says who holds the lock", async ({ commit, refs, start }, { refFormat }) => {
  const one = commit("one");
  await using holder = await start();
  await holder.create("refs/heads/a", one);
  await holder.prepare();
  for (const step of ["prepare", "commit"] as const) {
    await using waiting = await start();
    await waiting.create("refs/heads/a", one);
    await assert.rejects(waiting[step](), {
      name: errors.RefLockedError.name,
      message: "reference is already locked",
      refName: refFormat === "files" ? "refs/heads/a" : "",
    });
  }
  await holder.commit();
  assert.deepEqual(refs(), [`refs/heads/a ${one}`]);
});

testStores("can't delete while packed references are locked", async (fixture, { refFormat }) => {
  const { repository, commit, start } = fixture;
  const files = refFormat === "files";
  const locks = files ? ["packed-refs.lock", "packed-refs.new"] : ["reftable/tables.list.lock"];
  repository.git(["update-ref", "refs/heads/a", commit("one")]);
  repository.git(["pack-refs", "--all"]);
  for (const lock of locks) {
    const path = join(repository.path, lock);
    writeFileSync(path, "");
    await using transaction = await start();
    await transaction.delete("refs/heads/a");
    const expected = files ? errors.PackedRefsLockedError : errors.RefLockedError;
    await assert.rejects(transaction.commit(), expected);
    rmSync(path);
  }
});

testStores("fails early when git has given up", async ({ commit, start }) => {
  const one = commit("one");
  await using transaction = await start();
  await assert.rejects(async () => {
    for (;;) await transaction.create("/.invalid", one);
  }, errors.InvalidRefNameError);
});

testStores("ends when nobody waits for it any more", async ({ commit, refs, start }) => {
  const one = commit("one");
  const controller = new AbortController();
  await using transaction = await start({ signal: controller.signal });
  await transaction.create("refs/heads/a", one);
  await transaction.prepare();
  controller.abort(new Error("gone"));
  await assert.rejects(transaction.commit(), /gone/);
  await assert.rejects(transaction.create("refs/heads/b", one), /gone/);
  assert.deepEqual(refs(), []);
  await using next = await start();
  await next.create("refs/heads/a", one);
  await next.commit();
});

test("a reference transaction refuses to be used out of order", async (t) => {
  const { commit, refs, start } = await setUp(t, { format: "sha1", refFormat: "files" });
  const one = commit("one");
  await using transaction = await start();
  assert.throws(() => transaction.create("refs/heads/a\0b", one), /contains NUL/);
  await transaction.prepare();
  assert.throws(() => transaction.create("refs/heads/a", one), /is prepared/);
  await assert.rejects(transaction.prepare(), /is prepared/);
  await transaction.commit();
  await assert.rejects(transaction.commit(), /is ended/);
  assert.deepEqual(refs(), []);
});

test("a failure that git words in its own way keeps git's words for the log", async (t) => {
  const { commit, start } = await setUp(t, { format: "sha1", refFormat: "files" });
  const [one, two] = [commit("one"), commit("two")];
  await using transaction = await start();
  await transaction.update("refs/heads/a", one, two);
  await assert.rejects(transaction.commit(), (error) => {
    assert.ok(error instanceof GitExitError);
    return error.stderr.includes("unable to resolve reference 'refs/heads/a'");
  });
});
