import assert from "node:assert/strict";
import { once } from "node:events";
import { type Duplex, duplexPair } from "node:stream";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { untilAborted } from "../../base/abort/until-aborted.ts";
import { type Logger, silentLogger } from "../../base/log/logger.ts";
import { createTestRepository } from "../../testing/git-repository.ts";
import { testPushContext } from "../../testing/test-push-context.ts";
import type { PushContext } from "../context/push-context.ts";
import type { HookManager } from "../hook-manager.ts";
import { serveHookChannel } from "./serve-hook-channel.ts";

interface Channel {
  /** The end that hooks have. */
  readonly hooks: Duplex;
  readonly serving: Promise<void>;
  /** Messages and errors of the log. */
  readonly logged: string[];
  readonly calls: string[];
}

function open(
  t: TestContext,
  overrides: Partial<HookManager> = {},
  changes: Partial<PushContext> = {},
): Channel {
  const [hooks, channel] = duplexPair();
  const logged: string[] = [];
  const calls: string[] = [];
  const noted = async (name: string): Promise<void> => void calls.push(name);
  const manager: HookManager = {
    neededHooks: ({ requestedHooks }) => requestedHooks,
    preReceive: (_context, { changes }) => noted(`pre-receive ${Buffer.from(changes)}`),
    update: (_context, { ref }) => noted(`update ${Buffer.from(ref).toString("latin1")}`),
    postReceive: () => noted("post-receive"),
    referenceTransaction: (_context, state) => noted(`reference-transaction ${state}`),
    ...overrides,
  };
  const logger: Logger = {
    ...silentLogger,
    error: (message, fields) => logged.push(`${message}: ${fields?.["error"]}`),
  };
  const context = testPushContext(createTestRepository(t), changes);
  const serving = serveHookChannel(channel, manager, context, t.signal, logger);
  hooks.on("error", () => undefined);
  return { hooks, serving, logged, calls };
}

test("hooks are served one after another, however their requests are cut", async (t) => {
  const { hooks, serving, logged, calls } = open(t);
  const requests = [
    "pre-receive 12 \nPATH 4\n/b:n\nGIT_PUSH_OPTION_0 3\na\nb\n a b c\n d e f\n.\n",
    "update 13 refs/heads/\xff 00 11\n.\n",
    "reference-transaction 14 preparing\n x\n.\n",
    "reference-transaction 15 committed\n.\n",
    "post-receive 16 \n.\n",
  ];
  for (const [index, request] of requests.entries()) {
    for (const byte of Buffer.from(request, "latin1")) hooks.write(Buffer.of(byte));
    const [reply] = await once(hooks, "data");
    assert.equal(String(reply), `x\n${12 + index} 0\n`);
  }
  hooks.end();
  await serving;
  assert.deepEqual(logged, []);
  assert.deepEqual(calls, [
    "pre-receive a b c\nd e f\n",
    "update refs/heads/\xff",
    "reference-transaction committed",
    "post-receive",
  ]);
});

const GARBLED = [
  ["no pid", "pre-receive\n.\n"],
  ["a pid that is none", "pre-receive 0x1\n.\n"],
  ["no words at all", "\n.\n"],
  ["an unknown variable", "pre-receive 1\nHOME 1\na\n.\n"],
  ["a variable without its length", "pre-receive 1\nPATH\n.\n"],
  ["a value that is too long", "pre-receive 1\nPATH 2\nabc\n.\n"],
  ["a value that is much too long", "pre-receive 1\nPATH 999999\n"],
  ["a line without a mark", "pre-receive 1\n a\nb\n.\n"],
  ["variables behind the input", "pre-receive 1\n a\nPATH 1\na\n.\n"],
  ["a line that never ends", "x".repeat(200_000)],
  ["an end that isn't one", "pre-receive 1\n..\n"],
] as const;

for (const [what, request] of GARBLED) {
  test(`the channel is closed on ${what}`, async (t) => {
    const { hooks, serving, logged, calls } = open(t);
    hooks.write(request);
    assert.equal(await text(hooks), "");
    await serving;
    assert.match(logged.join(), /^hook channel closed: HookProtocolError: /);
    assert.deepEqual(calls, []);
  });
}

test("a hook that isn't known, or is called wrongly, fails", async (t) => {
  for (const request of [
    "proc-receive 5 \n.\n",
    "../pre-receive 5 \n.\n",
    "update 5 refs/heads/main 00\n.\n",
    "reference-transaction 5 \n.\n",
    "reference-transaction 5 unheard-of\n.\n",
  ]) {
    const { hooks, serving, calls } = open(t);
    hooks.write(request);
    assert.equal(await answer(hooks), "e\nerror executing git hook\nx\n5 1\n");
    hooks.end();
    await serving;
    assert.deepEqual(calls, []);
  }
});

test("a hook that nobody has asked for succeeds", async (t) => {
  const { hooks, serving, calls } = open(t, {}, { requestedHooks: new Set() });
  hooks.write("pre-receive 5 \n.\n");
  assert.equal(await answer(hooks), "x\n5 0\n");
  hooks.end();
  await serving;
  assert.deepEqual(calls, []);
});

test("what a hook says before it has its answer ends the push", async (t) => {
  const stopped = Promise.withResolvers<string>();
  const { hooks, serving, logged } = open(t, {
    preReceive: async (_context, _input, _output, signal) => {
      await untilAborted(signal);
      stopped.resolve(String(signal.reason));
      signal.throwIfAborted();
    },
  });
  hooks.write("pre-receive 1 \n.\npost-receive 2 \n.\n");
  assert.equal(await stopped.promise, "HookProtocolError: hook's request is garbled");
  assert.equal(await text(hooks), "");
  await serving;
  assert.equal(logged.length, 1);
});

test("the work of a hook that goes away is given up silently", async (t) => {
  const { hooks, serving, logged } = open(t, {
    preReceive: async (_context, _input, output, signal) => {
      await untilAborted(signal);
      await output.stdout(Buffer.from("nobody hears this"));
    },
  });
  hooks.write("pre-receive 1 \n.\n");
  hooks.destroy();
  await serving;
  assert.deepEqual(logged, []);
});

test("a hook's output waits for the reader", async (t) => {
  const chunk = Buffer.alloc(64 * 1024, "x");
  let written = 0;
  const { hooks, serving } = open(t, {
    preReceive: async (_context, _input, output) => {
      for (; written < 100; written += 1) await output.stdout(chunk);
    },
  });
  hooks.write("pre-receive 1 \n.\n");
  await once(hooks, "readable");
  assert.ok(written < 10);
  const printed = await answer(hooks);
  assert.equal(written, 100);
  assert.equal(printed.replaceAll(/O\n|\n/g, "").length, 100 * chunk.length + "x1 0".length);
  hooks.end();
  await serving;
});

/** What the server answers to one hook, up to the exit status. */
async function answer(hooks: Duplex): Promise<string> {
  let received = "";
  for await (const chunk of hooks.iterator({ destroyOnReturn: false })) {
    received += Buffer.from(chunk).toString("latin1");
    if (/(?:^|\n)x\n\d+ \d+\n$/.test(received.slice(-20))) return received;
  }
  return received;
}
