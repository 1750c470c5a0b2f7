import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findGit } from "../../src/gitcmd/binary/find-git.ts";
import { startHelperSpawner } from "../../src/gitcmd/spawn/helper-spawner.ts";
import type { ProcessSpawner } from "../../src/gitcmd/spawn/process-spawner.ts";
import { median } from "../report/statistics.ts";

/** Measures the unit of our figures: a *fork* is the CPU time of one `git version`. */
export interface ForkMeter extends AsyncDisposable {
  /** The git in use. */
  readonly gitPath: string;
  readonly gitVersion: string;
  /** The median of `count` runs right now, in microseconds. */
  measure(count?: number): Promise<number>;
}

const RUNS = 25;

/** Starts a process helper of its own, so that the meter is no part of any server. */
export async function startForkMeter(): Promise<ForkMeter> {
  await using stack = new AsyncDisposableStack();
  const runtimeDirectory = await mkdtemp(join(tmpdir(), "bench-fork-"));
  stack.defer(() => rm(runtimeDirectory, { recursive: true }));
  const spawner = stack.use(await startHelperSpawner({ runtimeDirectory }));
  const { signal } = new AbortController();
  const git = await findGit({ spawner, environment: process.env, signal });
  const owned = stack.move();
  return {
    gitPath: git.path,
    gitVersion: git.version.text,
    measure: async (count = RUNS) => {
      const samples: number[] = [];
      for (let run = 0; run < count; run += 1) samples.push(await runOnce(spawner, git.path));
      return median(samples);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function runOnce(spawner: ProcessSpawner, program: string): Promise<number> {
  const git = await spawner.spawn({
    program,
    args: ["version"],
    env: [`PATH=${process.env["PATH"] ?? ""}`],
    cwd: "/",
    stdin: "null",
    stderr: "collect",
    channel: false,
  });
  git.stdout.resume();
  const { usage } = await git.exited;
  return usage.userMicroseconds + usage.systemMicroseconds;
}
