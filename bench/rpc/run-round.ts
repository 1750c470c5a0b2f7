import { setTimeout as delay } from "node:timers/promises";
import type { Channel } from "../../src/rpc/client/channel.ts";
import { readTreeUsage, type TreeUsage } from "../process/process-tree.ts";
import type { BenchRequest } from "./bench-case.ts";
import { callOnce } from "./call-once.ts";

export interface RoundOptions {
  readonly channel: Channel;
  readonly requests: Iterator<BenchRequest>;
  readonly concurrency: number;
  readonly durationMs: number;
  /** The server's first process; undefined when it is on another machine. */
  readonly pid: number | undefined;
  readonly succeeded: (replies: Buffer) => boolean;
}

/** What one target did with one case for a while. */
export interface Round {
  readonly callCount: number;
  readonly wallMs: number;
  readonly latenciesMs: readonly number[];
  /** Of the server's whole process tree, over all calls of the round. */
  readonly cpuMicroseconds: number | undefined;
  readonly residentBytes: number | undefined;
}

/** How long processes of the last calls may take to end, and how often that is looked at. */
const SETTLE_MS_MAX = 1000;
const SETTLE_POLL_MS = 10;

/** Calls as fast as so many callers at a time can, until the time is up. Throws when a call fails. */
export async function runRound(options: RoundOptions): Promise<Round> {
  const { pid, concurrency, durationMs } = options;
  const before = pid === undefined ? undefined : readTreeUsage(pid);
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const callers = Array.from({ length: concurrency }, () =>
    callUntil(startMs + durationMs, options, latenciesMs),
  );
  await Promise.all(callers);
  const wallMs = performance.now() - startMs;
  const after = before === undefined ? undefined : await settledUsage(pid ?? 0, before);
  return {
    callCount: latenciesMs.length,
    wallMs,
    latenciesMs,
    cpuMicroseconds: after && before && after.cpuMicroseconds - before.cpuMicroseconds,
    residentBytes: after?.residentBytes,
  };
}

async function callUntil(
  endMs: number,
  { channel, requests, succeeded }: RoundOptions,
  latenciesMs: number[],
): Promise<void> {
  while (performance.now() < endMs) {
    const { value: request, done } = requests.next();
    if (done === true) return;
    const startMs = performance.now();
    const replies = await callOnce(channel, request);
    latenciesMs.push(performance.now() - startMs);
    if (!succeeded(joined(replies))) {
      throw new Error(`${request.method.name} was answered, but not as expected`);
    }
  }
}

function joined(replies: readonly Buffer[]): Buffer {
  const [first] = replies;
  return replies.length === 1 && first !== undefined ? first : Buffer.concat(replies);
}

/** The usage once the processes that the calls began have ended, so that their time is in it. */
async function settledUsage(pid: number, before: TreeUsage): Promise<TreeUsage> {
  const endMs = performance.now() + SETTLE_MS_MAX;
  for (;;) {
    await delay(SETTLE_POLL_MS);
    const usage = readTreeUsage(pid);
    if (usage.processCount <= before.processCount || performance.now() > endMs) return usage;
  }
}
