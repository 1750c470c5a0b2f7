import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { type LogFields, type Logger, silentLogger } from "../../base/log/logger.ts";
import { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { createTestRepository, type TestRepository } from "../../testing/git-repository.ts";
import { isRunning, until } from "../../testing/process-helpers.ts";
import { gitDirectory, startTestGitRunner } from "../../testing/test-git-runner.ts";
import { CommandUsage } from "../command-usage.ts";
import type { GitDirectory } from "../git-directory.ts";
import {
  GitCommandError,
  GitExitError,
  GitOutputTooLargeError,
  type GitRunner,
  GitSpawnError,
} from "../git-runner.ts";
import { CommandMetrics } from "./command-metrics.ts";

interface Setup {
  readonly git: GitRunner;
  readonly repository: TestRepository;
  readonly directory: GitDirectory;
  readonly signal: AbortSignal;
}

async function setUp(t: TestContext): Promise<Setup> {
  const git = await startTestGitRunner(t);
  const repository = createTestRepository(t);
  return { git, repository, directory: gitDirectory(repository), signal: t.signal };
}

/** A commit whose tree holds a blob of `size` bytes; returns the blob's id. */
function writeBlob(repository: TestRepository, size: number): string {
  return repository.gitLine(["hash-object", "-w", "--stdin"], { input: Buffer.alloc(size, "x") });
}

async function* chunksOf(...chunks: readonly string[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

suite("run", () => {
  for (const format of ["sha1", "sha256"] as const) {
    test(`collects the output of git (${format})`, async (t) => {
      const git = await startTestGitRunner(t);
      const repository = createTestRepository(t, { format });
      const command = { name: "hash-object", flags: ["-w", "--stdin"] } as const;
      const options = { signal: t.signal, stdin: Buffer.from("content\n") };
      const { stdout, stderr, exitCode } = await git.run(
        gitDirectory(repository),
        command,
        options,
      );
      const oid = stdout.toString().trim();
      assert.equal(repository.git(["cat-file", "blob", oid]).toString(), "content\n");
      assert.deepEqual([stderr, exitCode], ["", 0]);
    });
  }

  test("a failed exit is an error in Go's words, with git's complaint", async (t) => {
    const { git, directory, signal } = await setUp(t);
    const running = git.run(
      directory,
      { name: "cat-file", flags: ["-t"], args: ["HEAD"] },
      { signal },
    );
    await assert.rejects(running, (error: unknown) => {
      assert.ok(error instanceof GitExitError);
      assert.equal(error.message, "exit status 128");
      assert.equal(error.exitCode, 128);
      assert.equal(error.stderr, "fatal: Not a valid object name HEAD\n");
      return true;
    });
  });

  test("listed exit codes are answers", async (t) => {
    const { git, directory, signal } = await setUp(t);
    const command = { name: "config", flags: ["--get"], args: ["no.such"] } as const;
    const { exitCode } = await git.run(directory, command, { signal, okExitCodes: [1] });
    assert.equal(exitCode, 1);
  });

  test("output beyond the bound ends git", async (t) => {
    const { git, repository, directory, signal } = await setUp(t);
    const oid = writeBlob(repository, 10 << 20);
    const command = { name: "cat-file", args: ["blob", oid] } as const;
    const running = git.run(directory, command, { signal, stdoutBytesMax: 1 << 20 });
    await assert.rejects(running, GitOutputTooLargeError);
  });

  test("keeps the start of what git complains about", async (t) => {
    const { git, directory, signal } = await setUp(t);
    const command = { name: "cat-file", args: ["blob", `x${"y".repeat(50_000)}`] } as const;
    await assert.rejects(git.run(directory, command, { signal }), (error: unknown) => {
      assert.ok(error instanceof GitExitError);
      assert.match(error.stderr, /^fatal: Not a valid object name xy{1000}/);
      assert.ok(error.stderr.length <= 10_000);
      return true;
    });
  });

  test("input that git doesn't read is no error", async (t) => {
    const { git, directory, signal } = await setUp(t);
    async function* endless(): AsyncGenerator<Buffer> {
      for (;;) yield Buffer.alloc(1 << 16);
    }
    const { stdout } = await git.run(directory, { name: "version" }, { signal, stdin: endless() });
    assert.match(stdout.toString(), /^git version /);
  });

  test("an input that has no end and no more bytes doesn't outlive git", async (t) => {
    const { git, directory, signal } = await setUp(t);
    async function* silent(): AsyncGenerator<Buffer> {
      yield Buffer.from("x");
      await new Promise(() => undefined);
    }
    const { stdout } = await git.run(directory, { name: "version" }, { signal, stdin: silent() });
    assert.match(stdout.toString(), /^git version /);
  });

  test("an input that fails ends git, which must not take the part for the whole", async (t) => {
    const { git, repository, directory, signal } = await setUp(t);
    const failure = new Error("client is gone");
    async function* failing(): AsyncGenerator<Buffer> {
      yield Buffer.from("the first half");
      throw failure;
    }
    const command = { name: "hash-object", flags: ["-w", "--stdin"] } as const;
    await assert.rejects(git.run(directory, command, { signal, stdin: failing() }), failure);
    assert.equal(repository.gitLine(["count-objects"]), "0 objects, 0 kilobytes");
  });

  test("paths that aren't UTF-8 reach git as they are", async (t) => {
    const { git, repository, directory, signal } = await setUp(t);
    const blob = writeBlob(repository, 3);
    const path = Buffer.from([0x61, 0xff, 0x62]);
    const entry = Buffer.concat([Buffer.from(`100644 blob ${blob}\t`), path, Buffer.alloc(1)]);
    const tree = repository.gitLine(["mktree", "-z"], { input: entry });
    const command = { name: "ls-tree", flags: ["-z"], args: [tree], paths: [path] } as const;
    const { stdout } = await git.run(directory, command, { signal });
    assert.deepEqual(stdout, entry);
  });
});

suite("stream", () => {
  test("yields everything, then throws when git failed", async (t) => {
    const { git, repository, directory, signal } = await setUp(t);
    const oid = writeBlob(repository, 3 << 20);
    let size = 0;
    const command = { name: "cat-file", flags: ["--batch"] } as const;
    const stdin = chunksOf(oid, "\n", oid, "\n");
    for await (const chunk of git.stream(directory, command, { signal, stdin }))
      size += chunk.length;
    assert.equal(size, 2 * ((3 << 20) + `${oid} blob ${3 << 20}\n\n`.length));
    const failing = git.stream(directory, { name: "cat-file", args: ["blob", "x"] }, { signal });
    await assert.rejects(failing.next(), GitExitError);
  });

  test("leaving early ends git before the loop is over", async (t) => {
    const { git, repository, directory, signal } = await setUp(t);
    const oid = writeBlob(repository, 20 << 20);
    const usage = new CommandUsage();
    const command = { name: "cat-file", args: ["blob", oid] } as const;
    for await (const _ of git.stream(directory, command, { signal, usage })) break;
    assert.equal(usage.fields()["command.count"], 1);
  });
});

suite("abort", () => {
  test("before the start nothing is started", async (t) => {
    const { git, directory } = await setUp(t);
    const reason = new Error("call was cancelled");
    const usage = new CommandUsage();
    const options = { signal: AbortSignal.abort(reason), usage };
    await assert.rejects(git.run(directory, { name: "version" }, options), reason);
    assert.deepEqual(usage.fields(), {});
  });

  test("ends git and rejects with the signal's reason, whatever is waited for", async (t) => {
    const { git, directory } = await setUp(t);
    const waits = [
      () => git.run(directory, command, options),
      () => git.stream(directory, command, options).next(),
      async () => {
        await using process = await git.start(directory, command, options);
        pids.push(process.pid);
        process.stdout.on("error", () => undefined);
        await process.wait();
      },
    ];
    const command = { name: "cat-file", flags: ["--batch"] } as const;
    const pids: number[] = [];
    let controller = new AbortController();
    let options = { signal: controller.signal, stdin: "pipe" as const };
    for (const wait of waits) {
      const reason = new Error("call was cancelled");
      controller = new AbortController();
      options = { signal: controller.signal, stdin: "pipe" };
      const waiting = wait();
      setImmediate(() => controller.abort(reason));
      await assert.rejects(waiting, reason);
    }
    assert.deepEqual(pids.filter(isRunning), []);
  });

  test("reaches what git has started", async (t) => {
    const { git, repository, directory } = await setUp(t);
    const controller = new AbortController();
    const hook = join(repository.path, "hooks-of-test");
    mkdirSync(hook);
    const pidFile = join(repository.path, "pid");
    const script = `#!/bin/sh\ntrap '' TERM\necho $$ >${pidFile}.new\nmv ${pidFile}.new ${pidFile}\nsleep 1000\n`;
    writeFileSync(join(hook, "reference-transaction"), script, { mode: 0o755 });
    const oid = writeBlob(repository, 1);
    const command = { name: "update-ref", args: ["refs/x/y", oid] } as const;
    const hooks = { hooksPath: hook };
    const running = git.run(directory, command, { signal: controller.signal, hooks });
    await until(() => existsSync(pidFile));
    const pid = Number(readFileSync(pidFile, "latin1"));
    assert.ok(isRunning(pid));
    controller.abort(new Error("call was cancelled"));
    await assert.rejects(running, /call was cancelled/);
    assert.ok(!isRunning(pid));
  });
});

test("start leaves the streams and the channel to the caller", async (t) => {
  const { git, repository, directory, signal } = await setUp(t);
  const hooksPath = join(repository.path, "hooks-of-test");
  mkdirSync(hooksPath);
  const hook =
    '#!/bin/sh\n[ "$1" = prepared ] || exit 0\necho "$1" >&3; read -r answer <&3; exit "$answer"\n';
  writeFileSync(join(hooksPath, "reference-transaction"), hook, { mode: 0o755 });
  const oid = writeBlob(repository, 1);
  const command = { name: "update-ref", flags: ["--stdin"] } as const;
  const update = async (answer: string): Promise<unknown> => {
    await using process = await git.start(directory, command, {
      signal,
      stdin: "pipe",
      hooks: { hooksPath },
      channel: true,
      stderr: "stream",
    });
    process.stdout.resume();
    process.stderr.resume();
    process.channel?.once("data", (question: Buffer) => {
      assert.equal(question.toString(), "prepared\n");
      process.channel?.write(`${answer}\n`);
    });
    process.stdin.end(`create refs/x/y ${oid}\n`);
    return await process.wait();
  };
  await assert.rejects(update("1"), GitExitError);
  assert.deepEqual(repository.gitLines(["for-each-ref"]), []);
  await update("0");
  assert.deepEqual(repository.gitLines(["for-each-ref", "--format=%(refname)"]), ["refs/x/y"]);
});

test("hooks of the repository itself never run", async (t) => {
  const { git, repository, directory, signal } = await setUp(t);
  const trace = join(repository.path, "trace");
  mkdirSync(join(repository.path, "hooks"), { recursive: true });
  const hook = join(repository.path, "hooks/reference-transaction");
  writeFileSync(hook, `#!/bin/sh\ntouch ${trace}\n`, { mode: 0o755 });
  const oid = writeBlob(repository, 1);
  const command = { name: "update-ref", args: ["refs/x/y", oid] } as const;
  await git.run(directory, command, { signal, hooks: "disabled" });
  assert.ok(!existsSync(trace));
});

test("objects go to a quarantine and come from its alternates", async (t) => {
  const { git, repository, directory, signal } = await setUp(t);
  const old = writeBlob(repository, 5);
  const objectDirectory = join(repository.path, "objects/incoming-x");
  mkdirSync(objectDirectory);
  const quarantined = {
    ...directory,
    objectDirectory,
    alternateObjectDirectories: [join(repository.path, "objects")],
  };
  const write = { name: "hash-object", flags: ["-w", "--stdin"] } as const;
  const stdin = Buffer.from("new");
  const { stdout } = await git.run(quarantined, write, { signal, stdin });
  const written = stdout.toString().trim();
  const check = { name: "cat-file", flags: ["-e"], args: [written] } as const;
  await git.run(quarantined, check, { signal });
  await git.run(quarantined, { ...check, args: [old] }, { signal });
  await assert.rejects(git.run(directory, check, { signal }), GitExitError);
});

test("what processes cost is summed up for the call and for the metrics", async (t) => {
  const registry = new MetricRegistry();
  const lines: [string, LogFields | undefined][] = [];
  const logger: Logger = { ...silentLogger, error: (text, fields) => lines.push([text, fields]) };
  const metrics = new CommandMetrics(registry);
  const git = await startTestGitRunner(t, { metrics, logger });
  const usage = new CommandUsage({ service: "gitaly.BlobService", method: "GetBlob" });
  const signal = t.signal;
  await git.run(undefined, { name: "version" }, { signal, usage });
  const failing = { name: "rev-parse", flags: ["--git-dir"] } as const;
  await assert.rejects(git.run(undefined, failing, { signal, usage }), GitExitError);
  const malformed = { name: "log", args: ["--all"] } as const;
  await assert.rejects(git.run(undefined, malformed, { signal, usage }), GitCommandError);
  const fields = usage.fields();
  assert.equal(fields["command.count"], 2);
  assert.ok(Number(fields["command.minflt"]) > 0);
  assert.ok(Number(fields["command.maxrss"]) > 0);
  const labels =
    'grpc_service="gitaly.BlobService",grpc_method="GetBlob",cmd="git",subcmd="version"';
  const text = registry.render();
  assert.ok(text.includes(`gitaly_commands_running{${labels}} 0`));
  assert.match(
    text,
    new RegExp(`gitaly_command_minor_page_faults_total\\{${labels},[^}]*\\} [1-9]`),
  );
  assert.match(text, /gitaly_spawn_forking_time_seconds_count 2/);
  assert.match(text, /gitaly_invalid_commands_total\{command="log"\} 1/);
  assert.match(lines[0]?.[0] ?? "", /^fatal: not a git repository/);
  assert.equal(lines[0]?.[1]?.["command.exitCode"], 128);
});

test("a git that isn't there is an error of its own", async (t) => {
  const version = { major: 2, minor: 50, patch: 0, text: "2.50.0" };
  const binary = { path: "/no/such/git", version, env: {} };
  const git = await startTestGitRunner(t, { binary });
  const running = git.run(undefined, { name: "version" }, { signal: t.signal });
  await assert.rejects(running, GitSpawnError);
});
