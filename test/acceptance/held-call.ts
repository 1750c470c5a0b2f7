import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { CallOptions } from "../../src/rpc/client/call-options.ts";
import type { Channel } from "../../src/rpc/client/channel.ts";
import type { HeldSteps, Step } from "../../src/testing/held-steps.ts";
import { serversMetadata } from "../../src/testing/other-server.ts";
import { eventually } from "../../src/testing/processes.ts";
import type { TestServer } from "../../src/testing/test-server.ts";
import type { TransactionClient } from "../../src/testing/transaction-client.ts";

/** A server whose calls can be held at each of their steps. */
export interface HeldServer {
  readonly server: TestServer;
  readonly transaction: TransactionClient;
  readonly steps: HeldSteps;
}

/** A call that is held and cancelled, with a place of its own. */
export interface HeldCall {
  make(channel: Channel, options: CallOptions): Promise<unknown>;
  /** All that the call may not have changed. */
  contents(): readonly string[];
  /** As `contents`, when other calls have been made since. */
  ownContents(): readonly string[];
}

/** No call starts more git processes. */
const GIT_PROCESSES_MAX = 60;
const PATIENCE_MS = 60_000;

const OTHER_STEPS: readonly Step[] = [
  "gitlab allowed",
  "gitlab pre_receive",
  "hook pre-receive",
  ...(["hook update", "vote preparing", "vote prepared"] as const),
];

/** From here on objects are in the repository, before any reference leads to them, as in git. */
export const AFTER_OBJECTS: readonly Step[] = ["hook update", "vote preparing", "vote prepared"];

/**
 * Makes a call again and again, and cancels it at each step that it has: nothing may have changed.
 *
 * @returns how many steps there were
 */
export async function cancelAtEachStep(
  held: HeldServer,
  begin: (step: Step) => HeldCall,
): Promise<number> {
  const checks: Check[] = [];
  for (let number = 1; ; number++) {
    assert.ok(number <= GIT_PROCESSES_MAX);
    const check = await cancelAt(held, `git ${number}`, begin(`git ${number}`));
    if (check === undefined) break;
    checks.push(check);
  }
  for (const step of OTHER_STEPS) {
    const check = await cancelAt(held, step, begin(step));
    if (check !== undefined) checks.push(check);
  }
  for (const check of checks) check();
  return checks.length;
}

/** Looks once more whether nothing has come of a cancelled call. */
type Check = () => void;

/** Cancels a call at a step; undefined if the call was over before. */
async function cancelAt(
  { server, transaction, steps }: HeldServer,
  step: Step,
  call: HeldCall,
): Promise<Check | undefined> {
  const before = call.contents();
  const ownBefore = call.ownContents();
  const controller = new AbortController();
  const isVote = step.startsWith("vote ");
  const servers = serversMetadata({ default: server, other: server });
  const metadata = { ...servers, ...(isVote && transaction.metadata) };
  const channel = isVote ? transaction.channel : server.channel;
  const hold = steps.hold(step);
  try {
    let isSettled = false;
    const made = call.make(channel, { signal: controller.signal, metadata }).finally(() => {
      isSettled = true;
    });
    const outcome = Promise.allSettled([made]);
    await eventually(`the call gets to ${step}`, PATIENCE_MS, () => isSettled || hold.isReached());
    // An answer that is on its way comes through first.
    for (let turn = 0; turn < 3; turn++) await nextTurn();
    controller.abort();
    const [result] = await outcome;
    const what = hold.describe();
    // What is held after the end of the call is housekeeping.
    if (result.status === "fulfilled") return undefined;
    if (!hold.isReached()) throw result.reason;
    assert.equal(result.reason.kind, "cancelled", `${what}: ${result.reason}`);
    await eventually(`the process ends: ${what}`, PATIENCE_MS, () => hold.isOver());
    const isClean = (): boolean => isDeepStrictEqual(call.contents(), before);
    await eventually("nothing is left", PATIENCE_MS, isClean).catch(() => {
      assert.deepEqual(call.contents(), before, what);
    });
    return () => assert.deepEqual(call.ownContents(), ownBefore, what);
  } finally {
    hold.release();
  }
}
