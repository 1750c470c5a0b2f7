import { type HistoryFigures, measureHistory } from "../history/measure-history.ts";
import type { PlainGit } from "../process/plain-git.ts";
import { significant } from "../report/case-figures.ts";
import { verdict } from "../report/verdict.ts";
import { historyRepository } from "../repository/generated-repository.ts";
import { bareRepositoryAt, provideRepository } from "../repository/provide-repository.ts";
import { contestant, repositoryName } from "../rpc/measure-cases.ts";
import type { Target } from "../target/target.ts";
import type { Settings } from "./settings.ts";

/** Streams whole histories from each target. */
export async function runHistory(
  settings: Settings,
  targets: readonly Target[],
  git: PlainGit,
): Promise<unknown[]> {
  const { repository: given, rounds } = settings;
  const sourcePath =
    given === undefined ? await historyRepository(git) : await bareRepositoryAt(given);
  const results: unknown[] = [];
  console.log("\nhistory: ListCommits of everything, in turns with git rev-list --format");
  for (const target of targets) {
    await using placed = await provideRepository(git, sourcePath, target);
    const { channel } = contestant(target, placed);
    await using _channel = channel;
    const repository = repositoryName(target, placed);
    const { pid } = target;
    const figures = await measureHistory({ git, sourcePath, channel, pid, repository, rounds });
    console.log(`${target.name}: ${figures === undefined ? "not built" : historyLine(figures)}`);
    results.push({ targetName: target.name, ...figures });
  }
  return results;
}

function historyLine(figures: HistoryFigures): string {
  const { wallMs, pipeWallMs, speedRatio, cpuMs, pipeCpuMs, growthMegabytes, megabytes } = figures;
  return (
    `${significant(megabytes)} MB in ${Math.round(wallMs)} ms, git ${Math.round(pipeWallMs)} ms, ` +
    `×${significant(speedRatio)} as fast (${verdict(speedRatio >= 1)} ≥ 1); ` +
    `CPU ${Math.round(cpuMs)} ms, git ${Math.round(pipeCpuMs)} ms; ` +
    `memory +${significant(growthMegabytes)} MiB`
  );
}
