import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type ObjectFormat, type Oid, parseOid, zeroOid } from "../git/oid/oid.ts";
import { RepositoryCache } from "../git/repository/repository-cache.ts";
import { GitExitError, type GitRunner } from "../gitcmd/git-runner.ts";
import { startGitRefTransaction } from "../storage/ref-update/git-ref-transaction.ts";
import { type RefChange, repeatChange } from "../storage/ref-update/ref-change.ts";
import type { RefTransaction } from "../storage/ref-update/ref-transaction.ts";
import { startRefTransaction } from "../storage/ref-update/start-ref-transaction.ts";
import { createTestRepository, openTestRepository, type TestRepository } from "./git-repository.ts";
import { startTestGitRunner } from "./test-git-runner.ts";

/** Objects that both repositories have, apart from `missing` and `zero`. */
export interface PairObjects {
  readonly commits: readonly Oid[];
  readonly tag: Oid;
  readonly blob: Oid;
  readonly missing: Oid;
  readonly zero: Oid;
}

/** The same repository twice: one is changed in-process, the other one by git. */
export interface RefRepositoryPair {
  readonly objects: PairObjects;
  readonly ours: TestRepository;
  /** Changes both and compares what comes of it. */
  transact(
    changes: readonly RefChange[],
    options?: { noDeref?: boolean; step?: Step },
  ): Promise<void>;
  /** Does the same to both. */
  both(action: (repository: TestRepository) => void): void;
  /** How many transactions of ours were left to git. */
  leftToGit(): number;
}

/** How far a transaction goes. */
export type Step = "commit" | "prepare and commit" | "prepare and abort";

/** Makes a pair without references; nobody waits for locks. */
export async function createRefRepositoryPair(
  t: TestContext,
  format: ObjectFormat,
): Promise<RefRepositoryPair> {
  const ours = createTestRepository(t, { format });
  const objects = makeObjects(ours);
  const copy = join(ours.path, "../copy.git");
  cpSync(ours.path, copy, { recursive: true });
  const theirs = openTestRepository(copy, format);
  const config = [
    { key: "core.packedRefsTimeout", value: "0" },
    { key: "core.filesRefLockTimeout", value: "0" },
  ];
  const runner = await startTestGitRunner(t, { config });
  const repositories = new RepositoryCache();
  t.after(() => repositories.close());
  let starts = 0;
  const git: GitRunner = {
    version: () => runner.version(),
    configOf: (command) => runner.configOf(command),
    run: (...args) => runner.run(...args),
    stream: (...args) => runner.stream(...args),
    start: (...args) => {
      starts++;
      return runner.start(...args);
    },
  };
  const { signal } = t;
  return {
    objects,
    ours,
    leftToGit: () => starts,
    both: (action) => {
      action(ours);
      action(theirs);
    },
    transact: async (changes, { noDeref = false, step = "commit" } = {}) => {
      const options = { signal, objectFormat: format, noDeref };
      await using own = await startRefTransaction({ git, repositories }, ours, options);
      await using other = await startGitRefTransaction(runner, theirs, options);
      const [result, expected] = await Promise.all([
        outcome(own, changes, step, ours),
        outcome(other, changes, step, theirs),
      ]);
      const context = JSON.stringify({ changes, noDeref, step });
      assert.deepEqual(result, expected, context);
      assert.deepEqual(filesOf(ours), filesOf(theirs), context);
    },
  };
}

function makeObjects(repository: TestRepository): PairObjects {
  const { gitLine, format } = repository;
  const tree = gitLine(["hash-object", "-w", "-t", "tree", "--stdin"]);
  const commits = ["one", "two", "three"].map((message) =>
    oid(gitLine(["commit-tree", "-m", message, tree])),
  );
  const tagText = `object ${commits[0]}\ntype commit\ntag t\ntagger T <t> 0 +0000\n\nt\n`;
  const zero = zeroOid(format);
  return {
    commits,
    tag: oid(gitLine(["mktag"], { input: tagText })),
    blob: oid(gitLine(["hash-object", "-w", "--stdin"], { input: "x" })),
    missing: oid("1".repeat(zero.length)),
    zero,
  };
}

function oid(text: string): Oid {
  const parsed = parseOid(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

/** What a transaction says in the end. */
async function outcome(
  transaction: RefTransaction,
  changes: readonly RefChange[],
  step: Step,
  { path }: TestRepository,
): Promise<unknown> {
  try {
    for (const change of changes) await repeatChange(change, transaction);
    if (step !== "commit") await transaction.prepare();
    if (step === "prepare and abort") await transaction.abort();
    else await transaction.commit();
    return "done";
  } catch (error) {
    assert.ok(error instanceof Error);
    const { name, message } = error;
    const { metadata, cause, ...fields } = Object.fromEntries(Object.entries(error));
    if (!(error instanceof GitExitError)) return { name, message, fields };
    return {
      name,
      message,
      stderr: error.stderr
        .replaceAll(path, "PATH")
        .replace(/^fatal: (?:prepare|commit): /, "fatal: "),
    };
  }
}

/** All files and folders that belong to references, with what files hold. */
function filesOf({ path }: TestRepository): string[] {
  const beside = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "config")
    .map(({ name }) => `${name}: ${readFileSync(join(path, name), "latin1")}`);
  return [...filesBelow(path, "refs"), ...beside].sort();
}

/** Names are binary strings. */
function filesBelow(path: string, folder: string): string[] {
  const place = Buffer.from(`${path}/${folder}`, "latin1");
  const children = readdirSync(place, { withFileTypes: true, encoding: "latin1" });
  return children.flatMap((child) => {
    const name = `${folder}/${child.name}`;
    if (child.isDirectory()) return [`${name}/`, ...filesBelow(path, name)];
    return `${name}: ${readFileSync(Buffer.from(`${path}/${name}`, "latin1"), "latin1")}`;
  });
}

/** Sets references with git. */
export function setRefs(refs: Readonly<Record<string, Oid>>): (repository: TestRepository) => void {
  const input = Object.entries(refs)
    .map(([name, value]) => `update ${name} ${value}\n`)
    .join("");
  return ({ git }) => git(["update-ref", "--stdin"], { input });
}

/** Packs all references with git. */
export const pack = ({ git }: TestRepository): void => void git(["pack-refs", "--all"]);
