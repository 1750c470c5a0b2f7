import { CommitService } from "../../src/proto/commit_pb.ts";
import { CallError } from "../../src/rpc/client/call-error.ts";
import type { Channel } from "../../src/rpc/client/channel.ts";
import { type PipedRun, runPiped } from "../process/piped-git.ts";
import type { PlainGit } from "../process/plain-git.ts";
import { readPeakBytes, readTreeUsage, resetPeak } from "../process/process-tree.ts";
import { median } from "../report/statistics.ts";
import type { RepositoryName } from "../rpc/bench-case.ts";
import { encode } from "../rpc/bench-case.ts";

export interface HistoryOptions {
  readonly git: PlainGit;
  readonly sourcePath: string;
  readonly channel: Channel;
  readonly pid: number | undefined;
  readonly repository: RepositoryName;
  readonly rounds: number;
}

/** A whole history from the server, beside git's. */
export interface HistoryFigures {
  readonly wallMs: number;
  readonly pipeWallMs: number;
  /** Time that git takes, as a share of the server's: above 1 the server is faster. */
  readonly speedRatio: number;
  readonly cpuMs: number;
  readonly pipeCpuMs: number;
  readonly growthMegabytes: number;
  readonly megabytes: number;
}

interface ServedRun {
  readonly bytes: number;
  readonly wallMs: number;
  readonly cpuMicroseconds: number;
  readonly growthBytes: number;
}

/** What a GitCommit tells: ids, people, dates, message. */
const FORMAT = "%H%n%T%n%P%n%an%n%ae%n%ad%n%cn%n%ce%n%cd%n%B";

/**
 * Lists every commit of the default branch with `git rev-list` through a pipe and with ListCommits
 * in turns. Undefined when the server hasn't built it.
 */
export async function measureHistory(options: HistoryOptions): Promise<HistoryFigures | undefined> {
  const pairs: [PipedRun, ServedRun][] = [];
  const { git, sourcePath, rounds } = options;
  const args = ["-C", sourcePath, "rev-list", `--format=${FORMAT}`, "HEAD"];
  try {
    await list(options);
  } catch (error) {
    if (error instanceof CallError && error.kind === "unimplemented") return undefined;
    throw error;
  }
  for (let round = 0; round < rounds; round += 1) {
    pairs.push([await runPiped(git, args, Buffer.alloc(0)), await list(options)]);
  }
  const over = (value: (pipe: PipedRun, run: ServedRun) => number): number =>
    median(pairs.map(([pipe, run]) => value(pipe, run)));
  return {
    wallMs: over((_, { wallMs }) => wallMs),
    pipeWallMs: over(({ wallMs }) => wallMs),
    speedRatio: over((pipe, run) => pipe.wallMs / run.wallMs),
    cpuMs: over((_, { cpuMicroseconds }) => cpuMicroseconds / 1000),
    pipeCpuMs: over(({ cpuMicroseconds }) => cpuMicroseconds / 1000),
    growthMegabytes: Math.max(...pairs.map(([, { growthBytes }]) => growthBytes / 2 ** 20)),
    megabytes: over((_, { bytes }) => bytes / 1e6),
  };
}

async function list({ channel, pid, repository }: HistoryOptions): Promise<ServedRun> {
  const method = CommitService.method.listCommits;
  if (pid !== undefined) resetPeak(pid);
  const before = pid === undefined ? undefined : readTreeUsage(pid);
  const startMs = performance.now();
  const call = await channel.open(`/${method.parent.typeName}/${method.name}`, {});
  call.sendOnly(encode(method, { repository, revisions: ["HEAD"] }));
  let bytes = 0;
  for (let reply = await call.receive(); reply !== undefined; reply = await call.receive()) {
    bytes += reply.length;
  }
  const wallMs = performance.now() - startMs;
  if (pid === undefined || before === undefined) {
    return { bytes, wallMs, cpuMicroseconds: Number.NaN, growthBytes: Number.NaN };
  }
  const cpuMicroseconds = readTreeUsage(pid).cpuMicroseconds - before.cpuMicroseconds;
  const growthBytes = readPeakBytes(pid) - before.rootResidentBytes;
  return { bytes, wallMs, cpuMicroseconds, growthBytes };
}
