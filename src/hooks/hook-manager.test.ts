import assert from "node:assert/strict";
import { test } from "node:test";
import { DomainError } from "../base/error/domain-error.ts";
import { silentLogger } from "../base/log/logger.ts";
import { directSpawner } from "../gitcmd/spawn/direct-spawner.ts";
import { ONE, receiveInput, type TestHooks, testHooks, ZERO } from "../testing/test-hooks.ts";
import { openAccess } from "./access/access-check.ts";
import { RECEIVE_PACK_HOOKS } from "./context/hook-name.ts";
import type { HookTransaction, PushContext } from "./context/push-context.ts";
import { createHookManager } from "./create-hook-manager.ts";
import type { HookManager } from "./hook-manager.ts";

const PRIMARY: HookTransaction = { id: 7n, node: "node-1", primary: true, backchannelId: 1n };

test("update runs custom hooks and nothing else", async (t) => {
  const { manager, context, steps, output } = testHooks(t, {
    scripts: { update: 'echo "$@"; cat' },
  });
  const ref = Buffer.from("refs/heads/main");
  const environment = new Map();
  const input = { ref, oldValue: ZERO, newValue: ONE, environment };
  await manager.update(context, input, output, t.signal);
  assert.equal(output.text, `out:refs/heads/main ${ZERO} ${ONE}\n`);
  assert.deepEqual(steps, []);
});

test("update refuses what is no ref and no object id of the repository", async (t) => {
  const { manager, context, output } = testHooks(t);
  const good = {
    ref: Buffer.from("refs/heads/main"),
    oldValue: ZERO,
    newValue: ONE,
    environment: new Map(),
  };
  for (const [change, message] of [
    [{ ref: Buffer.of() }, "hook got no reference"],
    [
      { oldValue: "abc" },
      'hook got invalid old value: invalid object ID: "abc", expected length 40, got 3',
    ],
    [
      { newValue: ONE.replace("1", "G") },
      `hook got invalid new value: invalid object ID: "G${ONE.slice(1)}", invalid character 'G'`,
    ],
  ] as const) {
    const running = manager.update(context, { ...good, ...change }, output, t.signal);
    await assert.rejects(running, { message });
  }
  const sha256 = { ...context, objectFormat: "sha256" } as const;
  await assert.rejects(
    manager.update(sha256, good, output, t.signal),
    /expected length 64, got 40/,
  );
});

test("servers of a transaction wait for the primary's hooks", async (t) => {
  const ref = Buffer.from("refs/heads/main");
  for (const primary of [true, false]) {
    const context = { transaction: { ...PRIMARY, primary } };
    const { manager, context: pushed, steps, output } = testHooks(t, { context });
    const update = { ref, oldValue: ZERO, newValue: ONE, environment: new Map() };
    await manager.preReceive(pushed, receiveInput(), output, t.signal);
    await manager.update(pushed, update, output, t.signal);
    await manager.postReceive(pushed, receiveInput(), output, t.signal);
    const asked = ["allowed", "pre_receive", "post_receive"].filter(() => primary);
    assert.deepEqual(
      steps.filter((step) => !step.startsWith("vote")),
      asked,
    );
    assert.deepEqual(
      steps.filter((step) => step.startsWith("vote")),
      ["pre-receive", "update", "post-receive"].map(
        (name) => `vote synchronized synchronize ${name} hook`,
      ),
    );
  }
});

test("a refusal stops the transaction for all servers", async (t) => {
  const allowed = () => Promise.resolve({ allowed: false, message: "no" });
  const context = { transaction: PRIMARY };
  const stop = () => Promise.reject(new Error("nobody there"));
  const {
    manager,
    context: pushed,
    steps,
    output,
  } = testHooks(t, {
    context,
    access: { allowed },
    voter: { stop },
  });
  const running = manager.preReceive(pushed, receiveInput(), output, t.signal);
  await assert.rejects(running, { message: "GitLab: no" });
  assert.deepEqual(steps, ["allowed", "stop"]);
});

test("servers vote on what changes, except on git's cleaning up", async (t) => {
  const { manager, context, steps } = testHooks(t, { context: { transaction: PRIMARY } });
  const change = Buffer.from(`${ZERO} ${ONE} refs/heads/a\n`);
  const cleanup = Buffer.from(`${ZERO} ${ZERO} refs/heads/a\n${ZERO} ${ZERO} refs/heads/b\n`);
  for (const state of ["preparing", "prepared", "committed", "aborted"] as const) {
    await manager.referenceTransaction(context, state, change, t.signal);
    await manager.referenceTransaction(context, state, cleanup, t.signal);
    await manager.referenceTransaction(context, state, Buffer.of(), t.signal);
  }
  const votes = ["preparing", "prepared", "committed"];
  assert.deepEqual(
    steps,
    votes.map((phase) => `vote ${phase} ${change.toString().trim()}`),
  );
});

test("a lost vote keeps its kind", async (t) => {
  const vote = () => Promise.reject(new DomainError("aborted", "transaction was aborted"));
  const { manager, context } = testHooks(t, { voter: { vote }, context: { transaction: PRIMARY } });
  const change = Buffer.from(`${ZERO} ${ONE} refs/heads/a\n`);
  await assert.rejects(manager.referenceTransaction(context, "prepared", change, t.signal), {
    kind: "aborted",
    message: "error voting on transaction: transaction was aborted",
  });
});

test("without a transaction nobody votes", async (t) => {
  const { manager, context, steps } = testHooks(t);
  const change = Buffer.from(`${ZERO} ${ONE} refs/heads/a\n`);
  await manager.referenceTransaction(context, "prepared", change, t.signal);
  assert.deepEqual(steps, []);
});

test("git is told only about hooks that have something to do", (t) => {
  const closed = testHooks(t);
  const needed = (
    { manager, context }: TestHooks,
    changes: Partial<PushContext> = {},
  ): string[] => [...manager.neededHooks({ ...context, ...changes })];
  assert.deepEqual(needed(closed), ["pre-receive", "post-receive"]);
  assert.deepEqual(needed(testHooks(t, { scripts: { update: "" } })), [
    "update",
    "pre-receive",
    "post-receive",
  ]);
  assert.deepEqual(needed(closed, { transaction: PRIMARY }), [...RECEIVE_PACK_HOOKS]);
  assert.deepEqual(needed(closed, { requestedHooks: new Set() }), []);
  const open = { ...closed, manager: openManager() };
  assert.deepEqual(needed(open), []);
  assert.deepEqual(
    needed({ ...open, context: testHooks(t, { scripts: { "post-receive": "" } }).context }),
    ["post-receive"],
  );
  const nobody = { user: { id: "", username: "", protocol: "http", remoteIp: "" } };
  assert.deepEqual(needed(open, nobody), ["pre-receive", "post-receive"]);
});

function openManager(): HookManager {
  return createHookManager({
    access: openAccess,
    spawner: directSpawner,
    logger: silentLogger,
    host: { environment: {}, gitPath: "git", gitEnvironment: {} },
    customHooksDirectory: "",
  });
}

test("nothing is asked for a push that was given up", async (t) => {
  const { manager, context, steps, output } = testHooks(t);
  const signal = AbortSignal.abort(new Error("given up"));
  await assert.rejects(manager.preReceive(context, receiveInput(), output, signal), {
    message: "given up",
  });
  await assert.rejects(manager.postReceive(context, receiveInput(), output, signal), {
    message: "given up",
  });
  assert.deepEqual(steps, []);
});
