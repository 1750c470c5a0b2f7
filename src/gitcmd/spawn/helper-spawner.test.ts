import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { suite, type TestContext, test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import {
  HELPER_KINDS,
  type HelperKind,
  helperProgram,
  startTestSpawner,
  until,
} from "../../testing/process-helpers.ts";
import { GitSpawnError } from "../git-runner.ts";
import { startHelperSpawner } from "./helper-spawner.ts";
import {
  type ProcessSpawner,
  type SpawnExit,
  type SpawnedProcess,
  type SpawnRequest,
  STDERR_COLLECTED_BYTES_MAX,
} from "./process-spawner.ts";

const SHELL: SpawnRequest = {
  program: "/bin/sh",
  args: [],
  env: ["PATH=/usr/bin:/bin"],
  cwd: "/",
  stdin: "null",
  stderr: "collect",
  channel: false,
};

interface Outcome extends SpawnExit {
  readonly stdout: Buffer;
}

async function finish(spawned: SpawnedProcess): Promise<Outcome> {
  const stdout = await readAll(spawned.stdout);
  return { stdout, ...(await spawned.exited) };
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

for (const kind of HELPER_KINDS) {
  suite(`${kind} process helper`, () => describeSpawner(kind));
}

function describeSpawner(kind: HelperKind): void {
  const start = (t: TestContext): Promise<ProcessSpawner> =>
    startTestSpawner(t, helperProgram(t, kind));

  const sh = async (
    t: TestContext,
    script: string,
    changes: Partial<SpawnRequest> = {},
  ): Promise<SpawnedProcess> => {
    const spawner = await start(t);
    return spawner.spawn({ ...SHELL, args: ["-c", script], ...changes });
  };

  test("hands over arguments as they are, bytes that aren't UTF-8 included", async (t) => {
    const args = [
      "",
      "a b",
      "new\nline",
      "ü",
      "$HOME `x` \"'\\",
      "-n",
      Buffer.from([0xff, 0x25, 0x27]),
    ];
    const shown = await finish(
      await sh(t, 'printf "%s\\0" "$@"', { args: ["-c", 'printf "%s\\0" "$@"', "sh", ...args] }),
    );
    const expected = Buffer.concat(args.flatMap((arg) => [Buffer.from(arg), Buffer.alloc(1)]));
    assert.deepEqual(shown.stdout, expected);
  });

  test("hands over exactly the environment that was asked for, and the directory", async (t) => {
    const folder = join(temporaryDirectory(t), "ordner ü");
    mkdirSync(folder);
    const spawner = await start(t);
    const env = ["A=1", "B=", "C=ü=x", "D=new\nline"];
    const shown = await finish(
      await spawner.spawn({ ...SHELL, program: "/usr/bin/env", args: ["-0"], env }),
    );
    assert.deepEqual(shown.stdout.toString().split("\0").sort(), ["", ...env].sort());
    const there = await finish(
      await spawner.spawn({ ...SHELL, program: "/bin/pwd", cwd: folder, env: [] }),
    );
    assert.equal(there.stdout.toString(), `${folder}\n`);
  });

  test("gives the process no descriptor beside its streams", async (t) => {
    const list = "ls /proc/$$/fd";
    const { stdout } = await finish(await sh(t, list));
    // Node can't keep what it was itself started with from its children.
    const own = execFileSync("/bin/sh", ["-c", list], { encoding: "latin1" });
    assert.equal(stdout.toString(), kind === "node" ? own : "0\n1\n2\n");
  });

  test("gives the process no ignored or blocked signals, and a group of its own", async (t) => {
    const script = "grep -E '^Sig(Blk|Ign)' /proc/self/status; echo $$; ps -o pgid= -p $$";
    const { stdout } = await finish(await sh(t, script));
    const [blocked, ignored, pid, group] = stdout.toString().split("\n");
    assert.match(blocked ?? "", /\t0+$/);
    // The C library keeps signals 32 and 33 to itself: inherited as ignored, they stay so.
    const mask = BigInt(`0x${(ignored ?? "").split("\t")[1]}`) & ~0x1_8000_0000n;
    assert.equal(mask, 0n);
    assert.equal(group?.trim(), pid);
  });

  test("reports exit codes and the signals that end a process", async (t) => {
    const spawner = await start(t);
    const run = async (script: string): Promise<readonly unknown[]> => {
      const spawned = await spawner.spawn({ ...SHELL, args: ["-c", script] });
      const { exitCode, signal } = await finish(spawned);
      return [exitCode, signal];
    };
    assert.deepEqual(await run("exit 0"), [0, undefined]);
    assert.deepEqual(await run("exit 127"), [127, undefined]);
    assert.deepEqual(await run("exit 255"), [255, undefined]);
    assert.deepEqual(await run("kill -9 $$"), [-1, "SIGKILL"]);
    assert.deepEqual(await run("kill -PIPE $$"), [-1, "SIGPIPE"]);
  });

  test("tells why a process can't be started", async (t) => {
    const spawner = await start(t);
    const refused = (changes: Partial<SpawnRequest>, code: string, message: RegExp) =>
      assert.rejects(spawner.spawn({ ...SHELL, ...changes }), (error: unknown) => {
        assert.ok(error instanceof GitSpawnError);
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
      });
    await refused(
      { program: "/no/such/program" },
      "ENOENT",
      /fork\/exec \/no\/such\/program: no such file/,
    );
    await refused({ program: "/etc/passwd" }, "EACCES", /permission denied/);
    await refused({ cwd: "/no/such/folder" }, "ENOENT", /chdir \/no\/such\/folder: no such file/);
    await refused({ args: ["x".repeat(3 << 20)] }, "E2BIG", /argument list too long/);
    await refused({ args: ["x".repeat(9 << 20)] }, "E2BIG", /argument list too long/);
    await refused({ program: "sh" }, "EINVAL", /./);
    await refused({ args: ["nul\0inside"] }, "EINVAL", /./);
    const after = await finish(await spawner.spawn({ ...SHELL, args: ["-c", "echo works"] }));
    assert.equal(after.stdout.toString(), "works\n");
  });

  test("carries stdin and stdout in both directions at once", async (t) => {
    const { stdin, ...rest } = await sh(t, "cat", { stdin: "socket" });
    assert.ok(stdin);
    const reading = finish({ stdin, ...rest });
    const sent = createHash("sha256");
    const block = Buffer.alloc(1 << 20, "0123456789abcdef\n");
    for (let count = 0; count < 64; count++) {
      sent.update(block);
      await new Promise((resolve) => stdin.write(block, resolve));
    }
    stdin.end();
    const { stdout, exitCode } = await reading;
    assert.equal(exitCode, 0);
    assert.equal(stdout.length, 64 << 20);
    assert.equal(createHash("sha256").update(stdout).digest("hex"), sent.digest("hex"));
  });

  test("stops taking input that the process doesn't read", async (t) => {
    const { stdin, stdout, exited, cancel } = await sh(t, "sleep 1000", { stdin: "socket" });
    assert.ok(stdin);
    let written = 0;
    while (stdin.write(Buffer.alloc(1 << 16))) written += 1 << 16;
    assert.ok(written < 4 << 20);
    assert.ok(stdin.writableNeedDrain);
    cancel(1000);
    stdout.resume();
    await exited;
  });

  test("stops a process whose output is not read", async (t) => {
    const spawned = await sh(t, "exec head -c 20000000 /dev/zero");
    await until(() => execFileSync("ps", ["-o", "stat=", "-p", `${spawned.pid}`]).at(0) === 0x53);
    assert.ok(spawned.stdout.readableLength < 4 << 20);
    const { stdout, exitCode } = await finish(spawned);
    assert.equal(stdout.length, 20_000_000);
    assert.equal(exitCode, 0);
  });

  test("gives a pipe as stdin, whose end is the end of what was written", async (t) => {
    const folder = temporaryDirectory(t);
    const program = helperProgram(t, kind);
    await using spawner = await startHelperSpawner({ runtimeDirectory: folder, program });
    const names = readdirSync(folder).length;
    const spawned = await spawner.spawn({ ...SHELL, args: ["-c", "cat"], stdin: "pipe" });
    assert.ok(spawned.stdin);
    const bytes = randomBytes(5_000_001);
    const reading = finish(spawned);
    await pipeline(Readable.from([bytes.subarray(0, 7), bytes.subarray(7)]), spawned.stdin);
    const { stdout, exitCode } = await reading;
    assert.ok(stdout.equals(bytes));
    assert.equal(exitCode, 0);
    assert.equal(readdirSync(folder).length, names, "the pipe has kept its name");
  });

  test("a pipe that nobody reads any more is closed, and no trace stays", async (t) => {
    const folder = temporaryDirectory(t);
    const program = helperProgram(t, kind);
    await using spawner = await startHelperSpawner({ runtimeDirectory: folder, program });
    const names = readdirSync(folder).length;
    const starts = Array.from({ length: 50 }, async () => {
      const spawned = await spawner.spawn({ ...SHELL, args: ["-c", "exit 3"], stdin: "pipe" });
      spawned.stdin?.on("error", () => undefined);
      spawned.stdin?.write(Buffer.alloc(1 << 21));
      const { exitCode } = await finish(spawned);
      assert.equal(exitCode, 3);
      spawned.stdin?.destroy();
    });
    await Promise.all(starts);
    assert.equal(readdirSync(folder).length, names);
  });

  test("a program that can't be started leaves no pipe", async (t) => {
    const folder = temporaryDirectory(t);
    const program = helperProgram(t, kind);
    await using spawner = await startHelperSpawner({ runtimeDirectory: folder, program });
    const names = readdirSync(folder).length;
    const request: SpawnRequest = { ...SHELL, program: "/nonexistent", stdin: "pipe" };
    await assert.rejects(spawner.spawn(request), GitSpawnError);
    assert.equal(readdirSync(folder).length, names);
  });

  test("reads stdin as empty when there is none", async (t) => {
    const spawned = await sh(t, "wc -c; echo no error");
    assert.equal(spawned.stdin, undefined);
    const { stdout } = await finish(spawned);
    assert.equal(stdout.toString(), "0\nno error\n");
  });

  test("keeps the start of stderr and takes the rest", async (t) => {
    const { stderr, exitCode } = await finish(
      await sh(t, "echo first >&2; yes 'x' | head -c 3000000 >&2; exit 7"),
    );
    assert.equal(exitCode, 7);
    assert.equal(stderr.length, STDERR_COLLECTED_BYTES_MAX);
    assert.equal(stderr.subarray(0, 10).toString(), "first\nx\nx\n");
  });

  test("streams stderr when asked to", async (t) => {
    const spawned = await sh(t, "echo out; head -c 1000000 /dev/zero >&2", { stderr: "stream" });
    assert.ok(spawned.stderr);
    const [streamed, { stdout, stderr }] = await Promise.all([
      readAll(spawned.stderr),
      finish(spawned),
    ]);
    assert.equal(streamed.length, 1_000_000);
    assert.equal(stdout.toString(), "out\n");
    assert.equal(stderr.length, 0);
  });

  test("streams stderr to the end of the last child that has it", async (t) => {
    const request = { stdin: "socket", stderr: "stream" } as const;
    const text = "exec 3<&0; (read line <&3; echo late >&2) & kill -9 $$";
    const spawned = await sh(t, text, request);
    assert.ok(spawned.stderr !== undefined && spawned.stdin !== undefined);
    const streamed = readAll(spawned.stderr);
    const { signal } = await spawned.exited;
    assert.equal(signal, "SIGKILL");
    spawned.stdin.end("\n");
    assert.equal((await streamed).toString(), "late\n");
    spawned.stdout.destroy();
  });

  test("gives a duplex channel that grandchildren inherit, without losing the streams", async (t) => {
    const child = "read line <&3; echo got $line; echo answer >&3; echo complaint >&2; cat";
    const spawned = await sh(t, `sh -c '${child}'`, { channel: true, stdin: "socket" });
    const { channel, stdin } = spawned;
    assert.ok(channel);
    assert.ok(stdin);
    channel.write("question\n");
    const [answer] = await readAll(channel.take(1)).then((bytes) => [bytes.toString()]);
    stdin.end("input\n");
    const { stdout, stderr } = await finish(spawned);
    assert.equal(answer, "answer\n");
    assert.equal(stdout.toString(), "got question\ninput\n");
    assert.equal(stderr.toString(), "complaint\n");
    channel.destroy();
  });

  test("counts what a process and its children cost", async (t) => {
    const busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
    const { usage } = await finish(await sh(t, `sh -c '${busy}'; true`));
    assert.ok(usage.userMicroseconds + usage.systemMicroseconds >= 10_000);
    assert.ok(usage.minorPageFaults > 0);
  });

  test("starts many at once and mixes nothing up", async (t) => {
    const spawner = await start(t);
    const count = kind === "compiled" ? 300 : 60;
    const outcomes = await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const spawned = await spawner.spawn({
          ...SHELL,
          args: ["-c", `cat; echo error ${index} >&2; exit ${index % 100}`],
          stdin: "socket",
        });
        spawned.stdin?.end(`input ${index}`);
        const { stdout, stderr, exitCode } = await finish(spawned);
        return `${stdout}, ${stderr.toString().trim()}, ${exitCode}`;
      }),
    );
    outcomes.forEach((outcome, index) => {
      assert.equal(outcome, `input ${index}, error ${index}, ${index % 100}`);
    });
  });
}
