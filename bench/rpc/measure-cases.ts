import { CallError } from "../../src/rpc/client/call-error.ts";
import { type Channel, dial } from "../../src/rpc/client/channel.ts";
import type { ForkMeter } from "../process/fork-meter.ts";
import type { PlacedRepository } from "../repository/provide-repository.ts";
import type { RepositoryFacts } from "../repository/repository-facts.ts";
import { SeededRandom } from "../repository/seeded-random.ts";
import type { Target } from "../target/target.ts";
import type { BenchCase, BenchRequest, RepositoryName, Subject } from "./bench-case.ts";
import { callOnce } from "./call-once.ts";
import { type Round, runRound } from "./run-round.ts";

/** A target together with the repository that the cases use there. */
export interface Contestant {
  readonly target: Target;
  readonly channel: Channel;
  readonly repository: PlacedRepository;
}

export interface MeasureOptions {
  readonly facts: RepositoryFacts;
  readonly forks: ForkMeter;
  readonly rounds: number;
  readonly roundMs: number;
  readonly concurrency: number;
}

/** A round with what a fork cost around it. */
export interface MeteredRound extends Round {
  readonly forkMicroseconds: number;
}

/** How a target did in a case: its rounds, or why there are none. */
export interface CaseOutcome {
  readonly targetName: string;
  readonly rounds: readonly MeteredRound[];
  readonly excuse: string | undefined;
}

/** Replies may be large: FindAllTags of a big repository. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;
/** Calls that are not counted, so that every target is warm. */
const WARM_UP_SHARE = 0.3;

/** Opens a channel to a target for its repository. */
export function contestant(target: Target, repository: PlacedRepository): Contestant {
  const { address, token } = target;
  const channel = dial(address, { token, messageBytesMax: MESSAGE_BYTES_MAX });
  return { target, channel, repository };
}

/** Calls a target for a while before anything is measured, as long as compilers take to settle. */
export async function warmUp(
  benchCase: BenchCase,
  each: Contestant,
  options: MeasureOptions,
): Promise<void> {
  const runner = new Runner(benchCase, each, options);
  await runner.probe();
  await runner.run();
}

/** Measures one case with all targets, which take turns so that disturbances meet all of them. */
export async function measureCase(
  benchCase: BenchCase,
  contestants: readonly Contestant[],
  options: MeasureOptions,
): Promise<CaseOutcome[]> {
  const runners = contestants.map((each) => new Runner(benchCase, each, options));
  for (const runner of runners) await runner.probe();
  for (let round = 0; round < options.rounds; round += 1) {
    // Nobody is always the first.
    const order = round % 2 === 0 ? runners : runners.toReversed();
    for (const runner of order) await runner.run();
  }
  return runners.map((runner) => runner.outcome());
}

class Runner {
  readonly #case: BenchCase;
  readonly #contestant: Contestant;
  readonly #options: MeasureOptions;
  readonly #subject: Subject;
  readonly #requests: Iterator<BenchRequest>;
  readonly #rounds: MeteredRound[] = [];
  #excuse: string | undefined;

  constructor(
    benchCase: BenchCase,
    { target, channel, repository }: Contestant,
    options: MeasureOptions,
  ) {
    this.#case = benchCase;
    this.#contestant = { target, channel, repository };
    this.#options = options;
    this.#subject = {
      repository: repositoryName(target, repository),
      facts: options.facts,
      random: new SeededRandom(7),
      runId: repository.runId,
    };
    this.#requests = benchCase.requests(this.#subject)[Symbol.iterator]();
  }

  /** Makes one call, to see whether it works at all, and some to warm up. */
  async probe(): Promise<void> {
    await this.#unlessExcused(async () => {
      for (const preparing of this.#case.preparation?.(this.#subject) ?? []) {
        await callOnce(this.#contestant.channel, preparing);
      }
      const { value: request } = this.#requests.next();
      const replies = Buffer.concat(await callOnce(this.#contestant.channel, request));
      if (!this.#succeeded(replies)) throw new Error("the answer isn't as expected");
      await this.#round(this.#options.roundMs * WARM_UP_SHARE);
    });
  }

  async run(): Promise<void> {
    const { forks, roundMs } = this.#options;
    await this.#unlessExcused(async () => {
      const before = await forks.measure();
      const round = await this.#round(roundMs);
      const forkMicroseconds = (before + (await forks.measure())) / 2;
      this.#rounds.push({ ...round, forkMicroseconds });
    });
  }

  outcome(): CaseOutcome {
    const { target } = this.#contestant;
    return { targetName: target.name, rounds: this.#rounds, excuse: this.#excuse };
  }

  #round(durationMs: number): Promise<Round> {
    const { channel, target } = this.#contestant;
    return runRound({
      channel,
      requests: this.#requests,
      concurrency: this.#case.isExclusive === true ? 1 : this.#options.concurrency,
      durationMs,
      pid: target.pid,
      succeeded: (replies) => this.#succeeded(replies),
    });
  }

  #succeeded(replies: Buffer): boolean {
    return this.#case.succeeded?.(replies) ?? replies.length > 0;
  }

  async #unlessExcused(work: () => Promise<void>): Promise<void> {
    if (this.#excuse !== undefined) return;
    try {
      await work();
    } catch (error) {
      const isMissing = error instanceof CallError && error.kind === "unimplemented";
      this.#excuse = isMissing ? "not built" : `failed: ${reasonOf(error)}`;
    }
  }
}

/** The name under which a target knows a repository. */
export function repositoryName(
  { storageName }: Target,
  { relativePath }: PlacedRepository,
): RepositoryName {
  return { storageName, relativePath, glRepository: "project-1", glProjectPath: "group/project" };
}

function reasonOf(error: unknown): string {
  if (error instanceof CallError) return `${error.kind}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
