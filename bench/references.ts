/*
 * What changing references costs, in-process and with git: CPU of the server's process, its helper
 * and git, in µs for each transaction and in forks (the CPU of one `git version` in the same run).
 *
 *   node bench/references.ts [--count N]
 */
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Oid, parseOid, zeroOid } from "../src/git/oid/oid.ts";
import { RepositoryCache } from "../src/git/repository/repository-cache.ts";
import { findGit } from "../src/gitcmd/binary/find-git.ts";
import type { GitRunner } from "../src/gitcmd/git-runner.ts";
import { createGitRunner } from "../src/gitcmd/runner/process-git-runner.ts";
import { startHelperSpawner } from "../src/gitcmd/spawn/helper-spawner.ts";
import { startGitRefTransaction } from "../src/storage/ref-update/git-ref-transaction.ts";
import type { RefTransaction } from "../src/storage/ref-update/ref-transaction.ts";
import { startRefTransaction } from "../src/storage/ref-update/start-ref-transaction.ts";

const { values } = parseArgs({ options: { count: { type: "string", default: "300" } } });
const COUNT = Number(values.count);

/** References that one DeleteRefs deletes here. */
const DELETED_COUNT = 100;

/** Starts a transaction in one of the two ways. */
type Start = () => Promise<RefTransaction>;

interface Bench {
  readonly git: GitRunner;
  readonly gitPath: string;
  readonly path: string;
  readonly one: Oid;
  readonly two: Oid;
  readonly forkUs: number;
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bench-references-"));
  try {
    await using spawner = await startHelperSpawner({ runtimeDirectory: folder });
    const signal = new AbortController().signal;
    const binary = await findGit({ spawner, environment: process.env, signal });
    const git = createGitRunner({ spawner, binary, environment: process.env, cpuCount: 2 });
    const path = join(folder, "repository.git");
    const run = runnerOf(binary.path, path);
    execFileSync(binary.path, ["init", "--quiet", "--bare", "--ref-format=files", path]);
    const tree = run(["hash-object", "-w", "-t", "tree", "/dev/null"]);
    const [one, two] = ["one", "two"].map((name) => commit(run, tree, name));
    if (one === undefined || two === undefined) throw new Error("no commits");
    const forkUs = await measureFork(git);
    console.log(`a fork is ${forkUs.toFixed(0)} µs; ${COUNT} transactions of each kind`);
    const options = { signal, objectFormat: "sha1" } as const;
    const repositories = new RepositoryCache();
    const ways: readonly (readonly [string, Start])[] = [
      ["in-process", () => startRefTransaction({ git, repositories }, { path }, options)],
      ["git", () => startGitRefTransaction(git, { path }, options)],
    ];
    for (const [name, start] of ways) {
      await runCases(name, start, { git, gitPath: binary.path, path, one, two, forkUs });
    }
    repositories.close();
  } finally {
    await rm(folder, { recursive: true });
  }
}

function runnerOf(gitPath: string, path: string): (args: string[], input?: string) => string {
  const identity = { name: "B", email: "b@example.com" };
  const config = Object.entries(identity).flatMap(([key, value]) => ["-c", `user.${key}=${value}`]);
  return (args, input = "") =>
    execFileSync(gitPath, ["-C", path, ...config, ...args], { input })
      .toString()
      .trim();
}

function commit(run: (args: string[]) => string, tree: string, message: string): Oid | undefined {
  return parseOid(run(["commit-tree", "-m", message, tree]));
}

async function measureFork(git: GitRunner): Promise<number> {
  const { signal } = new AbortController();
  const before = await childrenMicroseconds();
  for (let count = 0; count < COUNT; count++) {
    await git.run(undefined, { name: "version" }, { signal });
  }
  return ((await childrenMicroseconds()) - before) / COUNT;
}

async function runCases(way: string, start: Start, bench: Bench): Promise<void> {
  const { one, two } = bench;
  const change = async (name: string, newOid: Oid, oldOid: Oid): Promise<void> => {
    await using transaction = await start();
    await transaction.update(name, newOid, oldOid);
    await transaction.commit();
  };
  const zero = zeroOid("sha1");
  const names = Array.from({ length: DELETED_COUNT }, (_, index) => `refs/x/${index}`);
  const input = names.map((name) => `create ${name} ${one}\n`).join("");
  const run = runnerOf(bench.gitPath, bench.path);
  const remove = async (): Promise<void> => {
    await using transaction = await start();
    for (const name of names) await transaction.delete(name);
    await transaction.commit();
  };
  await measure(`${way}: create one`, bench, async (index) =>
    change(`refs/heads/${way}-${index}`, one, zero),
  );
  await measure(`${way}: update one`, bench, async (index) =>
    change(`refs/heads/${way}-0`, index % 2 === 0 ? two : one, index % 2 === 0 ? one : two),
  );
  await measure(`${way}: delete ${DELETED_COUNT} loose ones`, bench, remove, () => {
    run(["update-ref", "--stdin"], input);
  });
  await measure(`${way}: delete ${DELETED_COUNT} packed ones`, bench, remove, () => {
    run(["update-ref", "--stdin"], input);
    run(["pack-refs", "--all"]);
  });
}

/** Measures `action`; what `before` does doesn't count. */
async function measure(
  name: string,
  { forkUs }: Bench,
  action: (index: number) => Promise<void>,
  before?: () => void,
): Promise<void> {
  const count = before === undefined ? COUNT : Math.ceil(COUNT / 5);
  let serverUs = 0;
  const children = await childrenMicroseconds();
  for (let index = 0; index < count; index++) {
    before?.();
    const start = process.cpuUsage();
    await action(index);
    const { user, system } = process.cpuUsage(start);
    serverUs += user + system;
  }
  const totalUs = (serverUs + (await childrenMicroseconds()) - children) / count;
  console.log(`${name}: ${totalUs.toFixed(0)} µs, ${(totalUs / forkUs).toFixed(2)} forks`);
}

/** CPU of the helper and of the processes that it has started and that have ended. */
async function childrenMicroseconds(): Promise<number> {
  const children = await readFile(`/proc/${process.pid}/task/${process.pid}/children`, "latin1");
  let ticks = 0;
  for (const pid of children.trim().split(" ")) {
    const stat = await readFile(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    for (const field of fields.slice(11, 15)) ticks += Number(field);
  }
  return ticks * 10_000;
}

await main();
