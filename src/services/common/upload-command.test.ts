import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { PacketObserver } from "../../git/negotiation/packfile-negotiation.ts";
import { CommandUsage } from "../../gitcmd/command-usage.ts";
import { createTestRepository } from "../../testing/git-repository.ts";
import { FLUSH, pktLines } from "../../testing/pkt-lines.ts";
import { collect } from "../../testing/repository-errors.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { gitDirectory, startTestGitRunner } from "../../testing/test-git-runner.ts";
import { testPushContext } from "../../testing/test-push-context.ts";
import { observed, runUploadCommand, UploadCommandError, untilFailure } from "./upload-command.ts";

const usage = (): CommandUsage => new CommandUsage({ service: "s", method: "m" });

async function* thenFail(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
  throw new Error("gone");
}

test("untilFailure takes a failure for the end", async () => {
  const one = Buffer.from("one");
  assert.deepEqual(await collect(untilFailure(thenFail(one))), [one]);
  let returned = false;
  const source = (async function* () {
    try {
      yield one;
      yield one;
    } finally {
      returned = true;
    }
  })();
  for await (const _chunk of untilFailure(source)) break;
  assert.equal(returned, true);
});

test("observed passes everything on and tells the observer of the end", async () => {
  const observer = new PacketObserver("done");
  const input = [pktLines("have 1"), Buffer.from("00")];
  assert.deepEqual(await collect(observed(Readable.from(input), observer)), input);
  assert.equal(observer.wellFormed, false);
  assert.equal(observer.statistics.haves, 1);
});

test("runUploadCommand gives the whole of a small answer to a slow taker", async (t) => {
  const repository = createTestRepository(t);
  const commit = writeCommit(repository, { ref: "refs/heads/main" });
  const git = await startTestGitRunner(t);
  let output = "";
  await runUploadCommand(
    git,
    { ...testPushContext(repository).repository, ...gitDirectory(repository) },
    { name: "upload-pack", args: [repository.path] },
    {
      input: Readable.from([pktLines(FLUSH)]),
      output: async (chunk) => {
        await new Promise((resolve) => setImmediate(resolve));
        output += chunk.toString("latin1");
      },
    },
    {
      signal: t.signal,
      usage: usage(),
      observer: new PacketObserver("done"),
      negotiationTimeoutMs: Number.MAX_SAFE_INTEGER,
    },
  );
  assert.ok(output.includes(`${commit} refs/heads/main`));
});

test("runUploadCommand fails with git's status and words, and with what the taker throws", async (t) => {
  const repository = createTestRepository(t);
  writeCommit(repository, { ref: "refs/heads/main" });
  const git = await startTestGitRunner(t);
  const located = { ...testPushContext(repository).repository, ...gitDirectory(repository) };
  const command = { name: "upload-pack", args: [repository.path] } as const;
  const options = { signal: t.signal, usage: usage(), negotiationTimeoutMs: 60_000 };
  const take = async (): Promise<void> => undefined;
  const failing = runUploadCommand(
    git,
    located,
    command,
    { input: Readable.from([pktLines("nonsense")]), output: take },
    { ...options, observer: new PacketObserver("done") },
  );
  await assert.rejects(failing, (error) => {
    assert.ok(error instanceof UploadCommandError);
    assert.equal(error.exitCode, 128);
    assert.match(error.message, /^cmd wait: exit status 128, stderr: "fatal: git upload-pack: /);
    return true;
  });
  const refusing = runUploadCommand(
    git,
    located,
    command,
    {
      input: thenFail(),
      output: async () => {
        throw new Error("no room");
      },
    },
    { ...options, observer: new PacketObserver("done") },
  );
  await assert.rejects(refusing, /no room/);
});
