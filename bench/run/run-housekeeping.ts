import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { OptimizeRepositoryRequest_Strategy as Strategy } from "../../src/proto/repository_pb.ts";
import { dial } from "../../src/rpc/client/channel.ts";
import { startCloneClient } from "../clone/clone-client-process.ts";
import { cloneRequest } from "../clone/clone-request.ts";
import { type LocalTarget, pushRepository } from "../housekeeping/pushed-repository.ts";
import type { PlainGit } from "../process/plain-git.ts";
import { significant } from "../report/case-figures.ts";
import { median, quantile } from "../report/statistics.ts";
import { verdict } from "../report/verdict.ts";
import { historyRepository } from "../repository/generated-repository.ts";
import type { PlacedRepository } from "../repository/provide-repository.ts";
import { readFacts } from "../repository/repository-facts.ts";
import { SeededRandom } from "../repository/seeded-random.ts";
import type { BenchRequest } from "../rpc/bench-case.ts";
import { repositoryName } from "../rpc/measure-cases.ts";
import { optimizeRepository } from "../rpc/optimize.ts";
import { READ_CASES } from "../rpc/read-cases.ts";
import { readMix } from "../rpc/read-mix.ts";
import { type Round, runRound } from "../rpc/run-round.ts";
import type { Target } from "../target/target.ts";
import type { Settings } from "./settings.ts";

const PUSHES = 2000;
const READERS = 4;
/** How often everything is packed anew while reads go on. */
const RUNS = 10;
const CLONE_RATIO_MAX = 1.1;
const STRATEGIES = [
  { way: "by need", strategy: Strategy.HEURISTICAL },
  { way: "eagerly", strategy: Strategy.EAGER },
] as const;
const LATENCY_RATIO_MAX = 3;

/**
 * Tidies a repository that many small pushes have made: what that does to reads meanwhile, and
 * how long clones take afterwards, in turns with those of a fresh mirror that has bitmaps.
 */
export async function runHousekeeping(
  { rounds, roundMs }: Settings,
  targets: readonly Target[],
  git: PlainGit,
): Promise<void> {
  const source = await historyRepository(git);
  for (const target of targets) {
    const { storagePath } = target;
    // The mirror is put into the storage.
    if (storagePath === undefined) continue;
    console.log(`\nhousekeeping: a repository of ${PUSHES} pushes`);
    await using channel = dial(target.address, { token: target.token });
    const local: LocalTarget = { target: { ...target, storagePath }, channel };
    await using repository = await pushRepository(git, source, local, PUSHES);
    console.log(`${target.name}: pushed; ${describePacks(git, repository)}`);
    const name = repositoryName(target, repository);
    const optimize: Optimize = (strategy) => optimizeRepository(channel, name, strategy);
    for (const { way, strategy } of STRATEGIES) {
      await optimize(strategy);
      const packs = describePacks(git, repository);
      const { text, ratio } = await compareClones(git, local, repository, rounds);
      const goal = ` (${verdict(ratio <= CLONE_RATIO_MAX)} ≤ ${CLONE_RATIO_MAX})`;
      console.log(`${target.name}, ${way}: ${packs}; ${text}${goal}`);
    }
    console.log(await compareReads(git, local, repository, { optimize, roundMs }));
  }
}

type Optimize = (strategy: Strategy) => Promise<void>;

function describePacks(git: PlainGit, { path = "" }: PlacedRepository): string {
  const text = git.text(["-C", path, "count-objects", "-v"]);
  const count = (name: string): string =>
    new RegExp(`^${name}: (\\d+)$`, "m").exec(text)?.[1] ?? "?";
  return `${count("packs")} packs, ${count("count")} loose objects`;
}

/** Clones of the repository as it is and of a mirror of it, in turns. */
async function compareClones(
  git: PlainGit,
  { target }: LocalTarget,
  { path = "", relativePath, runId }: PlacedRepository,
  rounds: number,
): Promise<{ text: string; ratio: number }> {
  const mirrorPath = `bench/${runId}-mirror.git`;
  const mirror = join(target.storagePath, mirrorPath);
  try {
    git.text(["clone", "--quiet", "--mirror", "--no-local", path, mirror]);
    git.text(["-C", mirror, "repack", "--quiet", "-a", "-d", "--write-bitmap-index"]);
    const request = cloneRequest(git, path).toString("base64");
    await using client = startCloneClient(target);
    const { storageName } = target;
    const clone = async (place: string): Promise<{ bytes: number; wallMs: number }> =>
      client.clone({ kind: "ssh", storageName, relativePath: place, request, count: 1 });
    const ours: { bytes: number; wallMs: number }[] = [];
    const ofMirror: { bytes: number; wallMs: number }[] = [];
    // Few and short: one more disturbed clone is to make no difference.
    for (let round = 0; round < rounds * 5; round++) {
      ours.push(await clone(relativePath));
      ofMirror.push(await clone(mirrorPath));
    }
    const wallMs = median(ours.map((run) => run.wallMs));
    const mirrorMs = median(ofMirror.map((run) => run.wallMs));
    const kilobytes = (run: { bytes: number } | undefined): number =>
      Math.round((run?.bytes ?? 0) / 1000);
    const ratio = wallMs / mirrorMs;
    const text =
      `clone ${significant(wallMs)} ms (${kilobytes(ours[0])} kB), of a mirror ` +
      `${significant(mirrorMs)} ms (${kilobytes(ofMirror[0])} kB), ratio ${significant(ratio)}`;
    return { text, ratio };
  } finally {
    await rm(mirror, { recursive: true, force: true });
  }
}

/** Reads while nothing else happens, and while everything is packed anew again and again. */
async function compareReads(
  git: PlainGit,
  { target, channel }: LocalTarget,
  repository: PlacedRepository,
  { optimize, roundMs }: { optimize: Optimize; roundMs: number },
): Promise<string> {
  const copy = `${repository.path ?? ""}-facts`;
  await cp(repository.path ?? "", copy, { recursive: true });
  const mix = readMix(READ_CASES);
  if (mix === undefined) throw new Error("there are no reads");
  const requests: Iterator<BenchRequest> = mix
    .requests({
      repository: repositoryName(target, repository),
      facts: readFacts(git, copy),
      random: new SeededRandom(7),
      runId: repository.runId,
    })
    [Symbol.iterator]();
  await rm(copy, { recursive: true });
  const read = (durationMs: number): Promise<Round> =>
    runRound({
      ...{ channel, requests, durationMs, pid: undefined, concurrency: READERS },
      succeeded: (replies) => replies.length > 0,
    });
  await read(roundMs);
  const idle = [...(await read(roundMs * 2)).latenciesMs];
  let isOver = false;
  const tidying = (async () => {
    for (let run = 0; run < RUNS; run++) await optimize(Strategy.EAGER);
  })().finally(() => {
    isOver = true;
  });
  const busy: number[] = [];
  while (!isOver) busy.push(...(await read(READ_SLICE_MS)).latenciesMs);
  await tidying;
  idle.push(...(await read(roundMs * 2)).latenciesMs);
  const [before, during] = [quantile(idle, 0.99), quantile(busy, 0.99)];
  const ratio = during / before;
  return (
    `${target.name}: p99 of ${idle.length} reads ${significant(before)} ms, of ${busy.length} during ` +
    `${RUNS} eager runs ${significant(during)} ms, ` +
    `ratio ${significant(ratio)} (${verdict(ratio < LATENCY_RATIO_MAX)} < ${LATENCY_RATIO_MAX})`
  );
}

/** Short, so that few reads count that came after the end. */
const READ_SLICE_MS = 50;
