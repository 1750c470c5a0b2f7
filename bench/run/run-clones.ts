import { setTimeout as delay } from "node:timers/promises";
import { startCloneClient } from "../clone/clone-client-process.ts";
import {
  type CloneContestant,
  type CloneFigures,
  cloneAtOnce,
  measureClones,
} from "../clone/measure-clone.ts";
import type { PlainGit } from "../process/plain-git.ts";
import { significant } from "../report/case-figures.ts";
import { verdict } from "../report/verdict.ts";
import { bulkRepository, historyRepository } from "../repository/generated-repository.ts";
import { bareRepositoryAt, provideRepository } from "../repository/provide-repository.ts";
import type { Target } from "../target/target.ts";
import type { Settings } from "./settings.ts";

const SPEED_RATIO_MIN = 0.8;
const CPU_RATIO_MAX = 1.15;
const GROWTH_MB_MAX = 64;
const AT_ONCE = 50;
/** After many clones at once the server may take a moment to give memory back. */
const REST_MS = 2000;

/** Clones from each target, one at a time and many at once. */
export async function runClones(
  settings: Settings,
  targets: readonly Target[],
  git: PlainGit,
): Promise<CloneFigures[]> {
  const { repository, rounds } = settings;
  const sources = [
    { name: "generated, 128 MB of content", path: await bulkRepository(git) },
    ...(repository === undefined
      ? []
      : [{ name: "the repository given", path: await bareRepositoryAt(repository) }]),
  ];
  const all: CloneFigures[] = [];
  for (const { name, path } of sources) {
    console.log(`\nclone: ${name}, in turns with git upload-pack through a pipe`);
    await using stack = new AsyncDisposableStack();
    const contestants = await prepare(stack, git, path, targets);
    const figures = await measureClones(git, path, contestants, rounds);
    for (const each of figures) console.log(cloneLine(each));
    all.push(...figures);
  }
  const small = await historyRepository(git);
  await using stack = new AsyncDisposableStack();
  for (const contestant of await prepare(stack, git, small, targets)) {
    await reportAtOnce(git, small, contestant);
  }
  return all;
}

async function prepare(
  stack: AsyncDisposableStack,
  git: PlainGit,
  path: string,
  targets: readonly Target[],
): Promise<CloneContestant[]> {
  const contestants: CloneContestant[] = [];
  for (const target of targets) {
    const repository = stack.use(await provideRepository(git, path, target));
    contestants.push({ target, repository, client: stack.use(startCloneClient(target)) });
  }
  return contestants;
}

function cloneLine(figures: CloneFigures): string {
  const { targetName, kind, megabytes, megabytesPerSecond, pipeMegabytesPerSecond } = figures;
  const { speedRatio, cpuMs, pipeCpuMs, cpuRatio, clientCpuMs, growthMegabytes } = figures;
  const speed = `${significant(megabytesPerSecond)} MB/s, pipe ${significant(pipeMegabytesPerSecond)}`;
  const cpu = `CPU ${significant(cpuMs)} ms, pipe ${significant(pipeCpuMs)}`;
  const fast = `ratio ${significant(speedRatio)} (${verdict(speedRatio >= SPEED_RATIO_MIN)} ≥ ${SPEED_RATIO_MIN})`;
  const cheap = `ratio ${significant(cpuRatio)} (${verdict(cpuRatio <= CPU_RATIO_MAX)} ≤ ${CPU_RATIO_MAX})`;
  const memory = `memory +${significant(growthMegabytes)} MiB (${verdict(growthMegabytes < GROWTH_MB_MAX)} < ${GROWTH_MB_MAX})`;
  return `${targetName} ${kind}: ${Math.round(megabytes)} MB; ${speed}, ${fast}; ${cpu}, ${cheap}, client ${significant(clientCpuMs)} ms; ${memory}`;
}

async function reportAtOnce(
  git: PlainGit,
  path: string,
  contestant: CloneContestant,
): Promise<void> {
  console.log(`\nclone: ${AT_ONCE} at once, twice`);
  for (let turn = 0; turn < 2; turn += 1) {
    const { run, beforeMb, peakMb, afterMb } = await cloneAtOnce(git, path, contestant, AT_ONCE);
    await delay(REST_MS);
    const seconds = significant(run.wallMs / 1000);
    const memory = [beforeMb, peakMb, afterMb].map((value) => Math.round(value)).join(" → ");
    console.log(
      `${contestant.target.name}: ${AT_ONCE} clones, ${Math.round(run.bytes / 1e6)} MB in ` +
        `${seconds} s; memory of the server's process ${memory} MiB`,
    );
  }
}
