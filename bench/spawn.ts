/**
 * What starting a git process costs the server's own process, in µs of CPU and in forks (the CPU of
 * one `git version` on the same machine in the same run).
 *
 *   node bench/spawn.ts [--resident MB] [--count N] [--concurrency N] [--stdin]
 *       [--helper compiled|node]
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findGit } from "../src/gitcmd/binary/find-git.ts";
import { CommandUsage } from "../src/gitcmd/command-usage.ts";
import type { GitRunner } from "../src/gitcmd/git-runner.ts";
import { createGitRunner } from "../src/gitcmd/runner/process-git-runner.ts";
import { findHelperProgram, nodeHelperProgram } from "../src/gitcmd/spawn/helper-program.ts";
import { startHelperSpawner } from "../src/gitcmd/spawn/helper-spawner.ts";
import { verdict } from "./report/verdict.ts";

/** Starts that are not counted: the first thousand run code that is not yet compiled. */
const WARM_UP = 1000;

const { values } = parseArgs({
  options: {
    resident: { type: "string", default: "0" },
    count: { type: "string", default: "3000" },
    concurrency: { type: "string", default: "4" },
    helper: { type: "string", default: "compiled" },
    stdin: { type: "boolean", default: false },
  },
});

/** What the server's own process may spend on a start. */
const FORKS_MAX = 0.5;

async function main(): Promise<void> {
  const ballast = allocate(Number(values.resident));
  const runtimeDirectory = await mkdtemp(join(tmpdir(), "bench-spawn-"));
  try {
    const program = values.helper === "node" ? nodeHelperProgram() : findHelperProgram();
    await using spawner = await startHelperSpawner({ runtimeDirectory, program });
    const signal = new AbortController().signal;
    const binary = await findGit({ spawner, environment: process.env, signal });
    const git = createGitRunner({ spawner, binary, environment: process.env, cpuCount: 2 });
    await runMany(git, WARM_UP);
    await report(git, Number(values.count));
  } finally {
    await rm(runtimeDirectory, { recursive: true });
  }
  if (ballast.length < 0) throw new Error("the ballast is gone");
}

/** Memory that is really used: half of it one-megabyte buffers, half small objects. */
function allocate(megabytes: number): unknown[] {
  const buffers = Array.from({ length: megabytes / 2 }, () => Buffer.alloc(1 << 20, 1));
  const objects = Array.from({ length: megabytes * 5000 }, (_, index) => ({
    index,
    list: [index],
  }));
  return [buffers, objects];
}

async function runMany(git: GitRunner, count: number): Promise<CommandUsage> {
  const usage = new CommandUsage();
  const signal = new AbortController().signal;
  const stdin = values.stdin ? { stdin: Buffer.from("x") } : {};
  let left = count;
  const worker = async () => {
    while (left-- > 0) await git.run(undefined, { name: "version" }, { signal, usage, ...stdin });
  };
  await Promise.all(Array.from({ length: Number(values.concurrency) }, worker));
  return usage;
}

async function report(git: GitRunner, count: number): Promise<void> {
  const [before, startMs] = [process.cpuUsage(), performance.now()];
  const children = await childrenMicroseconds();
  await runMany(git, count);
  const { user, system } = process.cpuUsage(before);
  const wallMs = performance.now() - startMs;
  const forkUs = ((await childrenMicroseconds()) - children) / count;
  const serverUs = (user + system) / count;
  const forks = serverUs / forkUs;
  const residentMb = Math.round(process.memoryUsage().rss / 1e6);
  console.log(
    `server ${serverUs.toFixed(0)} µs, git ${forkUs.toFixed(0)} µs a start; ` +
      `${forks.toFixed(2)} forks (${verdict(forks <= FORKS_MAX)} ≤ ${FORKS_MAX}); ` +
      `${Math.round((count / wallMs) * 1000)} a second; ` +
      `${residentMb} MB resident, helper ${values.helper}`,
  );
}

/** CPU of the processes that the helper has started and that have ended. */
async function childrenMicroseconds(): Promise<number> {
  const children = await readFile(`/proc/${process.pid}/task/${process.pid}/children`, "latin1");
  let ticks = 0;
  for (const pid of children.trim().split(" ")) {
    const stat = await readFile(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[13]) + Number(fields[14]);
  }
  return ticks * 10_000;
}

await main();
