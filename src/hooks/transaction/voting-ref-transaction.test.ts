import assert from "node:assert/strict";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type ObjectFormat, type Oid, parseOid, zeroOid } from "../../git/oid/oid.ts";
import { RepositoryCache } from "../../git/repository/repository-cache.ts";
import { GitExitError } from "../../gitcmd/git-runner.ts";
import type { RefTransaction } from "../../storage/ref-update/ref-transaction.ts";
import { RepeatedUpdateError } from "../../storage/ref-update/ref-update-errors.ts";
import { startRefTransaction } from "../../storage/ref-update/start-ref-transaction.ts";
import {
  createTestRepository,
  openTestRepository,
  type TestRepository,
} from "../../testing/git-repository.ts";
import { startTestGitRunner } from "../../testing/test-git-runner.ts";
import { hasOnlyForceDeletions } from "./force-deletions.ts";
import type { ReferenceVoter, VotePhase } from "./reference-voter.ts";
import { voteOn } from "./voting-ref-transaction.ts";

type Store = { readonly format: ObjectFormat; readonly refFormat: "files" | "reftable" };

const STORES: readonly Store[] = [
  { format: "sha1", refFormat: "files" },
  { format: "sha256", refFormat: "files" },
  { format: "sha1", refFormat: "reftable" },
];

/** A vote: at which step, and on what. */
type Vote = readonly [phase: string, content: string];

interface Fixture {
  readonly repository: TestRepository;
  readonly commits: readonly [Oid, Oid];
  readonly zero: Oid;
  readonly votes: Vote[];
  start(noDeref?: boolean): Promise<RefTransaction>;
}

async function setUp(
  t: TestContext,
  store: Store,
  decide: (phase: VotePhase) => Promise<void> = async () => undefined,
): Promise<Fixture> {
  const repository = createTestRepository(t, store);
  const git = await startTestGitRunner(t);
  const repositories = new RepositoryCache();
  t.after(() => repositories.close());
  const votes: Vote[] = [];
  const voter: ReferenceVoter = {
    vote: async (_transaction, content, phase) => {
      votes.push([phase, Buffer.from(content).toString("latin1")]);
      await decide(phase);
    },
    stop: async () => undefined,
  };
  const tree = repository.gitLine(["hash-object", "-w", "-t", "tree", "--stdin"]);
  const commit = (message: string): Oid =>
    parseOid(repository.gitLine(["commit-tree", "-m", message, tree])) ?? zeroOid(store.format);
  const { signal } = t;
  const objectFormat = store.format;
  return {
    repository,
    votes,
    commits: [commit("one"), commit("two")],
    zero: zeroOid(store.format),
    start: async (noDeref = false) => {
      const options = { signal, objectFormat, noDeref };
      const inner = await startRefTransaction({ git, repositories }, repository, options);
      const { refs } = repositories.open(repository.path);
      const transaction = { id: 1n, node: "n", primary: true, backchannelId: 1n };
      return voteOn(inner, { voter, transaction, refs, objectFormat, noDeref, signal });
    },
  };
}

interface Case {
  readonly name: string;
  readonly noDeref?: boolean;
  readonly change: (transaction: RefTransaction, fixture: Fixture) => Promise<void>;
  /** The same for `git update-ref --stdin`. */
  readonly commands: (fixture: Fixture) => readonly string[];
}

const CASES: readonly Case[] = [
  {
    name: "created, changed and deleted references",
    change: async (transaction, { commits: [one, two], zero }) => {
      await transaction.create("refs/heads/new", two);
      await transaction.update("refs/heads/a", two, one);
      await transaction.update("refs/tags/\xff", one);
      await transaction.delete("refs/heads/packed");
      await transaction.delete("refs/heads/b", one);
      await transaction.verify("refs/heads/missing", zero);
      await transaction.verify("refs/heads/c", one);
    },
    commands: ({ commits: [one, two], zero }) => [
      `create refs/heads/new ${two}`,
      `update refs/heads/a ${two} ${one}`,
      `update refs/tags/\xff ${one}`,
      "delete refs/heads/packed",
      `delete refs/heads/b ${one}`,
      `verify refs/heads/missing ${zero}`,
      `verify refs/heads/c ${one}`,
    ],
  },
  {
    name: "symbolic references that are followed",
    change: async (transaction, { commits: [one, two] }) => {
      await transaction.update("HEAD", two);
      await transaction.update("refs/heads/chain", two, one);
      await transaction.update("refs/heads/c", two);
    },
    commands: ({ commits: [one, two] }) => [
      `update HEAD ${two}`,
      `update refs/heads/chain ${two} ${one}`,
      `update refs/heads/c ${two}`,
    ],
  },
  {
    name: "a branch that HEAD leads to",
    change: (transaction, { commits: [one] }) => transaction.update("refs/heads/main", one),
    commands: ({ commits: [one] }) => [`update refs/heads/main ${one}`],
  },
  {
    name: "symbolic references themselves",
    noDeref: true,
    change: async (transaction, { commits: [one, two] }) => {
      await transaction.updateSymbolic("HEAD", "refs/heads/other");
      await transaction.update("refs/heads/chain", two, one);
    },
    commands: ({ commits: [one, two] }) => [
      "symref-update HEAD refs/heads/other",
      `update refs/heads/chain ${two} ${one}`,
    ],
  },
  {
    name: "deletions without old values",
    change: async (transaction) => {
      await transaction.delete("refs/heads/a");
      await transaction.delete("refs/heads/packed");
    },
    commands: () => ["delete refs/heads/a", "delete refs/heads/packed"],
  },
];

function arrange({ repository, commits: [one] }: Fixture): void {
  const { git } = repository;
  git(["update-ref", "refs/heads/packed", one]);
  git(["pack-refs", "--all"]);
  for (const name of ["a", "b", "c"]) git(["update-ref", `refs/heads/${name}`, one]);
  git(["symbolic-ref", "refs/heads/chain", "refs/heads/link"]);
  git(["symbolic-ref", "refs/heads/link", "refs/heads/packed"]);
}

/** What git's own hook would have been asked to vote on, in a copy of the repository. */
function hookVotes(
  { repository, format }: { repository: TestRepository; format: ObjectFormat },
  input: string,
  noDeref: boolean,
): Vote[] {
  const path = join(repository.path, "../copy.git");
  cpSync(repository.path, path, { recursive: true });
  const hook = join(path, "hooks/reference-transaction");
  mkdirSync(join(path, "hooks"), { recursive: true });
  writeFileSync(hook, `#!/bin/sh\n{ printf '%s\\0' "$1"; cat; printf '\\0'; } >>"${path}/log"\n`);
  chmodSync(hook, 0o755);
  const flags = noDeref ? ["--no-deref"] : [];
  openTestRepository(path, format).git(["update-ref", "--stdin", ...flags], {
    input: Buffer.from(input, "latin1"),
  });
  const log = existsSync(join(path, "log")) ? readFileSync(join(path, "log"), "latin1") : "";
  const fields = log.split("\0").slice(0, -1);
  const votes: Vote[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const [phase = "", content = ""] = fields.slice(index, index + 2);
    // The program that other servers give git as its hook doesn't pass on what comes before locks.
    const isCast = phase !== "preparing" && !hasOnlyForceDeletions(content, format);
    if (isCast) votes.push([phase, content]);
  }
  return votes;
}

for (const store of STORES) {
  for (const { name, change, commands, noDeref = false } of CASES) {
    test(`votes are those of git's hook: ${name} (${store.format}, ${store.refFormat})`, async (t) => {
      const fixture = await setUp(t, store);
      arrange(fixture);
      const input = commands(fixture)
        .map((line) => `${line}\n`)
        .join("");
      const expected = hookVotes({ ...fixture, ...store }, input, noDeref);
      await using transaction = await fixture.start(noDeref);
      await change(transaction, fixture);
      await transaction.commit();
      assert.deepEqual(fixture.votes, expected);
    });
  }
}

test("a change that is voted down when it is prepared doesn't happen", async (t) => {
  for (const store of STORES) {
    const fixture = await setUp(t, store, async (at) => {
      if (at === "prepared") throw new Error("no");
    });
    const { repository, commits, start } = fixture;
    await using transaction = await start();
    await transaction.create("refs/heads/a/b", commits[0]);
    await assert.rejects(transaction.commit(), (error) => {
      assert.ok(error instanceof GitExitError);
      assert.equal(error.message, "exit status 128");
      const told = "fatal: in 'prepared' phase, update aborted by the reference-transaction hook\n";
      assert.equal(error.stderr, told);
      return true;
    });
    assert.equal(fixture.votes.at(-1)?.[0], "prepared");
    assert.deepEqual(repository.gitLines(["for-each-ref"]), []);
    assert.equal(existsSync(join(repository.path, "refs/heads/a")), false);
  }
});

test("a change that is made stays, whatever is said of it then", async (t) => {
  const fixture = await setUp(t, { format: "sha1", refFormat: "files" }, async (phase) => {
    if (phase === "committed") throw new Error("no");
  });
  await using transaction = await fixture.start();
  await transaction.create("refs/heads/a", fixture.commits[0]);
  await transaction.prepare();
  await transaction.commit();
  assert.equal(fixture.repository.gitLine(["rev-parse", "refs/heads/a"]), fixture.commits[0]);
  assert.equal(fixture.votes.length, 2);
});

test("nobody votes on changes that are wrong by themselves", async (t) => {
  const fixture = await setUp(t, { format: "sha1", refFormat: "files" });
  const [one] = fixture.commits;
  await using repeated = await fixture.start();
  await repeated.create("refs/heads/a", one);
  await repeated.create("refs/heads/a", one);
  await assert.rejects(repeated.commit(), RepeatedUpdateError);
  await using invalid = await fixture.start();
  await invalid.create("refs/heads/a..b", one);
  await assert.rejects(invalid.prepare(), { name: "InvalidRefNameError" });
  assert.deepEqual(fixture.votes, []);
});

test("a change that is given up after its first vote doesn't happen", async (t) => {
  const fixture = await setUp(t, { format: "sha1", refFormat: "files" });
  await using transaction = await fixture.start();
  await transaction.create("refs/heads/a", fixture.commits[0]);
  await transaction.prepare();
  await transaction.abort();
  assert.deepEqual(fixture.repository.gitLines(["for-each-ref"]), []);
  assert.deepEqual(
    fixture.votes.map(([phase]) => phase),
    ["prepared"],
  );
});
