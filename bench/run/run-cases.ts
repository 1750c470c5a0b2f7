import { OptimizeRepositoryRequest_Strategy as Strategy } from "../../src/proto/repository_pb.ts";
import type { ForkMeter } from "../process/fork-meter.ts";
import type { PlainGit } from "../process/plain-git.ts";
import { type CaseFigures, caseHeading, caseLines, figuresOf } from "../report/case-figures.ts";
import { provideRepository } from "../repository/provide-repository.ts";
import type { RepositoryFacts } from "../repository/repository-facts.ts";
import type { BenchCase } from "../rpc/bench-case.ts";
import {
  type Contestant,
  contestant,
  type MeasureOptions,
  measureCase,
  repositoryName,
  warmUp,
} from "../rpc/measure-cases.ts";
import { optimizeRepository } from "../rpc/optimize.ts";
import { READ_CASES } from "../rpc/read-cases.ts";
import { readMix } from "../rpc/read-mix.ts";
import { WRITE_CASES } from "../rpc/write-cases.ts";
import type { Target } from "../target/target.ts";
import { caseNames, type Settings } from "./settings.ts";

/** Callers at one time. */
const CONCURRENCY = 4;
/** Before the first case. Each case has a warm-up of its own, too. */
const WARM_UP_MS = 3000;
const MIX = "read mix";

/** Measures all chosen cases with all targets on one repository. */
export async function runCases(
  settings: Settings,
  targets: readonly Target[],
  facts: RepositoryFacts,
  { git, forks }: { git: PlainGit; forks: ForkMeter },
): Promise<CaseFigures[][]> {
  const { rounds, roundMs } = settings;
  const options: MeasureOptions = { facts, forks, rounds, roundMs, concurrency: CONCURRENCY };
  const chosen = chooser(settings);
  console.log(`\n${caseHeading()}`);
  await using stack = new AsyncDisposableStack();
  const readers = await prepare(stack, git, facts, targets);
  for (const reader of readers) await warmUpWith(READ_CASES, reader, options);
  const figures: CaseFigures[][] = [];
  const measure = async (each: BenchCase, contestants: readonly Contestant[]): Promise<void> => {
    const outcomes = await measureCase(each, contestants, options);
    const found = outcomes.map((outcome) => figuresOf(each.name, each.forksMax, outcome));
    console.log(caseLines(found).join("\n"));
    figures.push(found);
  };
  const isMixChosen = chosen(MIX);
  for (const each of READ_CASES.filter(({ name }) => chosen(name))) await measure(each, readers);
  if (isMixChosen) {
    const mix = readMix(await builtEverywhere(READ_CASES, readers, options, figures));
    if (mix !== undefined) await measure(mix, readers);
  }
  const writes = WRITE_CASES.filter(({ name }) => chosen(name));
  if (writes.length > 0) {
    const prepareTidy = async (): Promise<Contestant[]> => {
      const contestants = await prepare(stack, git, facts, targets);
      for (const each of contestants) await tidy(each);
      return contestants;
    };
    const writers = await prepareTidy();
    for (const each of writes) {
      await measure(each, each.isAlone === true ? await prepareTidy() : writers);
    }
  }
  return figures;
}

async function warmUpWith(
  cases: readonly BenchCase[],
  reader: Contestant,
  options: MeasureOptions,
): Promise<void> {
  const [first] = cases;
  if (first !== undefined) await warmUp(first, reader, { ...options, roundMs: WARM_UP_MS });
}

/** A copy of the repository for each target, and the way there. */
async function prepare(
  stack: AsyncDisposableStack,
  git: PlainGit,
  facts: RepositoryFacts,
  targets: readonly Target[],
): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const target of targets) {
    const repository = stack.use(await provideRepository(git, facts.path, target));
    const ready = contestant(target, repository);
    stack.use(ready.channel);
    contestants.push(ready);
  }
  return contestants;
}

/** Writes set off housekeeping, which would begin with what a new copy needs once. */
async function tidy({ target, channel, repository }: Contestant): Promise<void> {
  await optimizeRepository(channel, repositoryName(target, repository), Strategy.HEURISTICAL);
}

/** The cases that every target has built; those not measured yet are tried. */
async function builtEverywhere(
  cases: readonly BenchCase[],
  contestants: readonly Contestant[],
  options: MeasureOptions,
  measured: readonly (readonly CaseFigures[])[],
): Promise<BenchCase[]> {
  const built: BenchCase[] = [];
  for (const each of cases) {
    const known = measured.find(([first]) => first?.caseName === each.name);
    const outcomes = known ?? (await measureCase(each, contestants, { ...options, rounds: 0 }));
    if (outcomes.every(({ excuse }) => excuse === undefined)) built.push(each);
  }
  return built;
}

/** Cases are chosen by the start of their name; without such names all are. */
function chooser({ names }: Settings): (name: string) => boolean {
  const wanted = caseNames(names).map((name) => name.toLowerCase());
  return (name) =>
    wanted.length === 0 || wanted.some((start) => name.toLowerCase().startsWith(start));
}
