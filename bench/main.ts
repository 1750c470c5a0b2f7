/**
 * Measures servers side by side; see README.md in this folder.
 *
 *   node bench/main.ts [rpc|spawn|clone|history|bulk-push|housekeeping|CASE]...
 */
import { writeFile } from "node:fs/promises";
import { type ForkMeter, startForkMeter } from "./process/fork-meter.ts";
import { PlainGit } from "./process/plain-git.ts";
import { type CaseFigures, caseHeading, caseLines } from "./report/case-figures.ts";
import { historyRepository } from "./repository/generated-repository.ts";
import { bareRepositoryAt } from "./repository/provide-repository.ts";
import { readFacts } from "./repository/repository-facts.ts";
import { runBulkPush } from "./run/run-bulk-push.ts";
import { runCases } from "./run/run-cases.ts";
import { runClones } from "./run/run-clones.ts";
import { runHistory } from "./run/run-history.ts";
import { runHousekeeping } from "./run/run-housekeeping.ts";
import { runSpawn } from "./run/run-spawn.ts";
import { includesPart, readSettings, type Settings } from "./run/settings.ts";
import { openExternalTarget } from "./target/external-target.ts";
import { startOwnServer } from "./target/own-server.ts";
import type { Target } from "./target/target.ts";

async function main(settings: Settings): Promise<void> {
  await using forks = await startForkMeter();
  const git = new PlainGit(forks.gitPath);
  console.log(`git ${forks.gitVersion}, a fork is ${Math.round(await forks.measure())} µs of CPU`);
  const results: Record<string, unknown> = {};
  if (includesPart(settings, "rpc")) results["rpc"] = await rpc(settings, git, forks);
  if (includesPart(settings, "history")) results["history"] = await history(settings, git);
  if (includesPart(settings, "spawn")) await runSpawn();
  if (includesPart(settings, "clone")) results["clone"] = await clone(settings, git);
  if (includesPart(settings, "bulk-push")) await bulkPush(settings, git);
  if (includesPart(settings, "housekeeping")) await housekeeping(settings, git);
  if (settings.jsonPath !== undefined) {
    await writeFile(settings.jsonPath, `${JSON.stringify(results, undefined, 2)}\n`);
  }
}

async function rpc(settings: Settings, git: PlainGit, forks: ForkMeter): Promise<unknown> {
  await using stack = new AsyncDisposableStack();
  const targets = await openTargets(stack, settings);
  const source =
    settings.repository === undefined
      ? await historyRepository(git)
      : await bareRepositoryAt(settings.repository);
  const facts = readFacts(git, source);
  console.log(`repository: ${facts.description}`);
  const figures = await runCases(settings, targets, facts, { git, forks });
  console.log(`\n${table(figures)}`);
  return figures;
}

async function clone(settings: Settings, git: PlainGit): Promise<unknown> {
  await using stack = new AsyncDisposableStack();
  return await runClones(settings, await openTargets(stack, settings), git);
}

async function history(settings: Settings, git: PlainGit): Promise<unknown> {
  await using stack = new AsyncDisposableStack();
  return await runHistory(settings, await openTargets(stack, settings), git);
}

async function bulkPush(settings: Settings, git: PlainGit): Promise<void> {
  await using stack = new AsyncDisposableStack();
  await runBulkPush(settings.rounds, await openTargets(stack, settings), git);
}

async function housekeeping(settings: Settings, git: PlainGit): Promise<void> {
  await using stack = new AsyncDisposableStack();
  await runHousekeeping(settings, await openTargets(stack, settings), git);
}

async function openTargets(stack: AsyncDisposableStack, settings: Settings): Promise<Target[]> {
  const { targets: addresses, token } = settings;
  if (addresses.length === 0) return [stack.use(await startOwnServer("ours"))];
  const targets: Target[] = [];
  for (const address of addresses) {
    targets.push(stack.use(await openExternalTarget(address, token)));
  }
  return targets;
}

function table(figures: readonly (readonly CaseFigures[])[]): string {
  return [caseHeading(), ...figures.flatMap(caseLines)].join("\n");
}

await main(readSettings(process.env, process.argv.slice(2)));
