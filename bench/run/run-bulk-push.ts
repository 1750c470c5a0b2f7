import { cpus } from "node:os";
import { join } from "node:path";
import { SSHService } from "../../src/proto/ssh_pb.ts";
import { type Channel, dial } from "../../src/rpc/client/channel.ts";
import { createClient } from "../../src/rpc/client/client.ts";
import type { PlainGit } from "../process/plain-git.ts";
import { readPeakBytes, readTreeUsage, resetPeak } from "../process/process-tree.ts";
import { significant } from "../report/case-figures.ts";
import { median } from "../report/statistics.ts";
import { verdict } from "../report/verdict.ts";
import { bulkRepository } from "../repository/generated-repository.ts";
import { pushCommand } from "../rpc/push-stream.ts";
import type { Target } from "../target/target.ts";

const SPEED_RATIO_MIN = 0.9;
const PIECE_BYTES = 128 * 1024;

/** What `git receive-pack` costs more than the same push would without: it has to sync and check. */
const PLAIN_CONFIG = [
  "core.fsync=objects,derived-metadata,reference",
  "core.fsyncMethod=fsync",
  "core.bigFileThreshold=50m",
  "core.alternateRefsCommand=exit 0 #",
  "receive.autogc=false",
  "transfer.fsckObjects=true",
  "pack.writeReverseIndex=true",
  `pack.threads=${Math.max(1, Math.floor(Math.log2(cpus().length)))}`,
];

interface BulkPush {
  readonly target: Target & { readonly storagePath: string };
  readonly channel: Channel;
  /** Commands and pack. */
  readonly body: Buffer;
}

interface Run {
  readonly wallMs: number;
  readonly serverCpuMs: number;
  readonly peakMegabytes: number;
}

/** Pushes 128 MB to each target, in turns with a plain `git receive-pack` that is fed by a pipe. */
export async function runBulkPush(
  rounds: number,
  targets: readonly Target[],
  git: PlainGit,
): Promise<void> {
  const source = await bulkRepository(git);
  const tip = git.text(["-C", source, "rev-parse", "HEAD"]);
  const flags = ["--stdout", "--revs", "-q"];
  const pack = git.bytes(["-C", source, "pack-objects", ...flags], `${tip}\n`);
  const body = Buffer.concat([pushCommand([{ ref: "refs/heads/main", commit: tip }]), pack]);
  console.log(`\nbulk-push: ${Math.round(body.length / 1e6)} MB, in turns with git receive-pack`);
  for (const target of targets) {
    const { storagePath } = target;
    // Empty repositories are made in the storage.
    if (storagePath === undefined) continue;
    const channel = dial(target.address, { token: target.token });
    try {
      const push = { target: { ...target, storagePath }, channel, body };
      console.log(await compare(rounds, push, git));
    } finally {
      await channel.close();
    }
  }
}

async function compare(rounds: number, push: BulkPush, git: PlainGit): Promise<string> {
  const ours: Run[] = [];
  const plain: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const run = await pushTo(push, git, `bulk-${round}.git`);
    const wallMs = await pushToGit(push, git, `plain-${round}.git`);
    // The first one warms up.
    if (round === 0) continue;
    ours.push(run);
    plain.push(wallMs);
  }
  const wallMs = median(ours.map((run) => run.wallMs));
  const ratio = median(plain) / wallMs;
  const speed = (ms: number): string => significant(push.body.length / 1000 / ms);
  return (
    `${push.target.name}: ${speed(wallMs)} MB/s, git ${speed(median(plain))} MB/s, ` +
    `ratio ${significant(ratio)} (${verdict(ratio >= SPEED_RATIO_MIN)} ≥ ${SPEED_RATIO_MIN}); ` +
    `CPU with git ${significant(median(ours.map((run) => run.serverCpuMs)))} ms; ` +
    `memory of the server's process ${ours.map((run) => Math.round(run.peakMegabytes)).join(" ")} MB`
  );
}

async function pushTo(
  { target, channel, body }: BulkPush,
  git: PlainGit,
  name: string,
): Promise<Run> {
  git.text(["init", "-q", "--bare", join(target.storagePath, name)]);
  const repository = { storageName: target.storageName, relativePath: name, glRepository: "x-1" };
  const requests = async function* () {
    yield { repository, glId: "user-1", glUsername: "bench" };
    for (let start = 0; start < body.length; start += PIECE_BYTES) {
      yield { stdin: body.subarray(start, start + PIECE_BYTES) };
    }
  };
  if (target.pid !== undefined) resetPeak(target.pid);
  const before = target.pid === undefined ? undefined : readTreeUsage(target.pid);
  const startMs = performance.now();
  let answer = "";
  for await (const { stdout } of createClient(SSHService, channel).sSHReceivePack(requests())) {
    answer += Buffer.from(stdout).toString("latin1");
  }
  const wallMs = performance.now() - startMs;
  if (!answer.includes("unpack ok")) throw new Error(`${target.name} refused: ${answer}`);
  const after = target.pid === undefined ? undefined : readTreeUsage(target.pid);
  const used = (after?.cpuMicroseconds ?? 0) - (before?.cpuMicroseconds ?? 0);
  const peakBytes = target.pid === undefined ? 0 : readPeakBytes(target.pid);
  return { wallMs, serverCpuMs: used / 1000, peakMegabytes: peakBytes / 1e6 };
}

async function pushToGit({ target, body }: BulkPush, git: PlainGit, name: string): Promise<number> {
  const path = join(target.storagePath, name);
  git.text(["init", "-q", "--bare", path]);
  const config = PLAIN_CONFIG.flatMap((setting) => ["-c", setting]);
  const startMs = performance.now();
  await git.feed([...config, "receive-pack", path], pieces(body));
  return performance.now() - startMs;
}

function* pieces(body: Buffer): Generator<Buffer> {
  for (let start = 0; start < body.length; start += PIECE_BYTES) {
    yield body.subarray(start, start + PIECE_BYTES);
  }
}
