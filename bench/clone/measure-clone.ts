import { type PipedRun, runPiped } from "../process/piped-git.ts";
import type { PlainGit } from "../process/plain-git.ts";
import { readPeakBytes, readTreeUsage, resetPeak } from "../process/process-tree.ts";
import { median } from "../report/statistics.ts";
import type { PlacedRepository } from "../repository/provide-repository.ts";
import type { Target } from "../target/target.ts";
import type { CloneClient } from "./clone-client-process.ts";
import type { CloneKind } from "./clone-order.ts";
import { cloneRequest } from "./clone-request.ts";

/** A target, its copy of the repository and a process that clones it. */
export interface CloneContestant {
  readonly target: Target;
  readonly repository: PlacedRepository;
  readonly client: CloneClient;
}

export interface CloneFigures {
  readonly targetName: string;
  readonly kind: CloneKind;
  readonly megabytes: number;
  readonly megabytesPerSecond: number;
  /** Of the same repository in the same run. */
  readonly pipeMegabytesPerSecond: number;
  /** Bytes per second, as a share of the pipe's. */
  readonly speedRatio: number;
  readonly cpuMs: number;
  /** `git upload-pack` and its children. */
  readonly pipeCpuMs: number;
  readonly cpuRatio: number;
  /** What the client spent beside. It shares the machine, so it slows the server down. */
  readonly clientCpuMs: number;
  /** How much more memory the server's own process held during a clone than before, at most. */
  readonly growthMegabytes: number;
}

/** One clone from a server. */
interface ServedRun {
  readonly bytes: number;
  readonly wallMs: number;
  /** Undefined when the server isn't on this machine. */
  readonly cpuMicroseconds: number | undefined;
  readonly clientCpuMicroseconds: number;
  readonly growthBytes: number | undefined;
}

const KINDS: readonly CloneKind[] = ["http", "ssh"];

/**
 * Clones one repository through a pipe and from each target, over both RPCs, in turns.
 *
 * Ratios are medians of each round's, whose runs meet about the same disturbances.
 */
export async function measureClones(
  git: PlainGit,
  sourcePath: string,
  contestants: readonly CloneContestant[],
  rounds: number,
): Promise<CloneFigures[]> {
  const request = cloneRequest(git, sourcePath);
  const entries = contestants.flatMap((each) =>
    KINDS.map((kind) => ({ each, kind, pairs: [] as [PipedRun, ServedRun][] })),
  );
  // The first clones warm up the disk's cache and the servers.
  await clonePlainly(git, sourcePath, request);
  for (const { each, kind } of entries) await served(each, kind, request, 1);
  for (let round = 0; round < rounds; round += 1) {
    const before = await clonePlainly(git, sourcePath, request);
    for (const { each, kind, pairs } of entries) {
      pairs.push([before, await served(each, kind, request, 1)]);
    }
  }
  return entries.map(({ each, kind, pairs }) => figuresOf(each.target.name, kind, pairs));
}

/** Clones so many times at once, and tells how the server's memory went. */
export async function cloneAtOnce(
  git: PlainGit,
  sourcePath: string,
  contestant: CloneContestant,
  count: number,
): Promise<{ run: ServedRun; beforeMb: number; peakMb: number; afterMb: number }> {
  const request = cloneRequest(git, sourcePath);
  const { pid } = contestant.target;
  const beforeMb = residentMb(pid);
  const run = await served(contestant, "http", request, count);
  return { run, beforeMb, peakMb: beforeMb + megabytes(run.growthBytes), afterMb: residentMb(pid) };
}

/** `git upload-pack` on its own. */
function clonePlainly(git: PlainGit, sourcePath: string, request: Buffer): Promise<PipedRun> {
  const args = ["upload-pack", "--stateless-rpc", sourcePath];
  return runPiped(git, args, request, { GIT_PROTOCOL: "version=2" });
}

async function served(
  { target, repository, client }: CloneContestant,
  kind: CloneKind,
  request: Buffer,
  count: number,
): Promise<ServedRun> {
  const { pid, storageName } = target;
  const { relativePath } = repository;
  if (pid !== undefined) resetPeak(pid);
  const before = pid === undefined ? undefined : readTreeUsage(pid);
  const order = { kind, storageName, relativePath, request: request.toString("base64"), count };
  const { bytes, wallMs, cpuMicroseconds: clientCpuMicroseconds } = await client.clone(order);
  const run = { bytes, wallMs, clientCpuMicroseconds };
  if (pid === undefined || before === undefined) {
    return { ...run, cpuMicroseconds: undefined, growthBytes: undefined };
  }
  return {
    ...run,
    cpuMicroseconds: readTreeUsage(pid).cpuMicroseconds - before.cpuMicroseconds,
    growthBytes: readPeakBytes(pid) - before.rootResidentBytes,
  };
}

function figuresOf(
  targetName: string,
  kind: CloneKind,
  pairs: readonly (readonly [PipedRun, ServedRun])[],
): CloneFigures {
  const over = (value: (pipe: PipedRun, run: ServedRun) => number): number =>
    median(pairs.map(([pipe, run]) => value(pipe, run)));
  const speed = ({ bytes, wallMs }: PipedRun | ServedRun): number => bytes / 1000 / wallMs;
  const cpu = ({ cpuMicroseconds }: PipedRun | ServedRun): number =>
    (cpuMicroseconds ?? Number.NaN) / 1000;
  return {
    targetName,
    kind,
    megabytes: over((_, { bytes }) => bytes / 1e6),
    megabytesPerSecond: over((_, run) => speed(run)),
    pipeMegabytesPerSecond: over((pipe) => speed(pipe)),
    speedRatio: over((pipe, run) => speed(run) / speed(pipe)),
    cpuMs: over((_, run) => cpu(run)),
    pipeCpuMs: over((pipe) => cpu(pipe)),
    cpuRatio: over((pipe, run) => cpu(run) / cpu(pipe)),
    clientCpuMs: over((_, { clientCpuMicroseconds }) => clientCpuMicroseconds / 1000),
    growthMegabytes: Math.max(...pairs.map(([, { growthBytes }]) => megabytes(growthBytes))),
  };
}

function residentMb(pid: number | undefined): number {
  return pid === undefined ? Number.NaN : megabytes(readTreeUsage(pid).rootResidentBytes);
}

function megabytes(bytes: number | undefined): number {
  return (bytes ?? Number.NaN) / 2 ** 20;
}
