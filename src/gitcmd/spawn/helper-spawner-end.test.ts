import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { suite, type TestContext, test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import {
  HELPER_KINDS,
  type HelperKind,
  helperProgram,
  isRunning,
  startTestSpawner,
  until,
} from "../../testing/process-helpers.ts";
import { GitSpawnError } from "../git-runner.ts";
import { encodeHeader, ROLE } from "./helper-protocol.ts";
import { startHelperSpawner } from "./helper-spawner.ts";
import type { SpawnRequest } from "./process-spawner.ts";

function script(text: string): SpawnRequest {
  return {
    program: "/bin/sh",
    args: ["-c", text],
    env: ["PATH=/usr/bin:/bin"],
    cwd: "/",
    stdin: "null",
    stderr: "collect",
    channel: false,
  };
}

/** A tree of three processes that ignore SIGTERM; their ids are printed when all of them do. */
const STUBBORN_TREE = `
  trap '' TERM
  sh -c 'sh -c "echo \\$\\$; exec sleep 1000" & echo $$; wait' &
  echo $$
  wait
`;

async function readLines(stdout: Readable, count: number): Promise<string[]> {
  let text = "";
  for await (const chunk of stdout.iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.split("\n").length > count) break;
  }
  return text.split("\n").slice(0, count);
}

for (const kind of HELPER_KINDS) {
  suite(`ends of processes, ${kind} helper`, () => describeEnds(kind));
}

function describeEnds(kind: HelperKind): void {
  test("cancel ends the whole group, and the end is reported when it is gone", async (t) => {
    const spawner = await startTestSpawner(t, helperProgram(t, kind));
    const spawned = await spawner.spawn(script(STUBBORN_TREE));
    const pids = (await readLines(spawned.stdout, 3)).map(Number);
    assert.ok(pids.every(isRunning));
    spawned.cancel(50);
    const { signal } = await spawned.exited;
    assert.equal(signal, "SIGKILL");
    assert.deepEqual(pids.filter(isRunning), []);
  });

  test("cancel lets a process clean up first", async (t) => {
    const spawner = await startTestSpawner(t, helperProgram(t, kind));
    const child = "sh -c 'echo ready; exec sleep 1000'";
    const text = `trap 'echo cleaned >&2; exit 3' TERM; ${child} & wait`;
    const spawned = await spawner.spawn(script(text));
    await readLines(spawned.stdout, 1);
    spawned.cancel(10_000);
    const { exitCode, stderr } = await spawned.exited;
    assert.equal(exitCode, 3);
    assert.equal(stderr.toString(), "cleaned\n");
  });

  test("kill sends one signal to the whole group", async (t) => {
    const spawner = await startTestSpawner(t, helperProgram(t, kind));
    const spawned = await spawner.spawn(script("sleep 1000 & echo $!; wait"));
    const [child] = (await readLines(spawned.stdout, 1)).map(Number);
    spawned.kill("SIGUSR1");
    assert.equal((await spawned.exited).signal, "SIGUSR1");
    await until(() => !isRunning(child ?? 0));
  });

  test("a child left behind in the background doesn't delay the report of the end", async (t) => {
    const spawner = await startTestSpawner(t, helperProgram(t, kind));
    const spawned = await spawner.spawn(script("sleep 1000 & echo $!; exit 4"));
    const [child] = (await readLines(spawned.stdout, 1)).map(Number);
    assert.equal((await spawned.exited).exitCode, 4);
    assert.ok(isRunning(child ?? 0));
    process.kill(child ?? 0);
  });

  test("disposing the spawner ends its processes and refuses new ones", async (t) => {
    const runtimeDirectory = temporaryDirectory(t);
    const spawner = await startHelperSpawner({ runtimeDirectory, program: helperProgram(t, kind) });
    const spawned = await spawner.spawn(script(STUBBORN_TREE));
    const pids = (await readLines(spawned.stdout, 3)).map(Number);
    await spawner[Symbol.asyncDispose]();
    assert.equal((await spawned.exited).signal, "SIGKILL");
    assert.deepEqual(pids.filter(isRunning), []);
    assert.deepEqual(readdirSync(runtimeDirectory), []);
    await assert.rejects(spawner.spawn(script("true")), GitSpawnError);
  });

  test("when the server is killed, its processes and the helper end", async (t) => {
    const runtimeDirectory = temporaryDirectory(t);
    const server = spawn(process.execPath, ["--input-type=module", "--eval", SERVER], {
      env: {
        SPAWNER: join(import.meta.dirname, "helper-spawner.ts"),
        OPTIONS: JSON.stringify({ runtimeDirectory, program: helperProgram(t, kind) }),
        REQUEST: JSON.stringify(script(STUBBORN_TREE)),
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pids = (await readLines(server.stdout, 3)).map(Number);
    assert.ok(pids.every(isRunning));
    server.kill("SIGKILL");
    await until(() => !pids.some(isRunning) && readdirSync(runtimeDirectory).length === 0);
  });

  test("the loss of the helper ends its processes' calls; the next start has a new helper", async (t) => {
    const spawner = await startTestSpawner(t, helperProgram(t, kind));
    const spawned = await spawner.spawn(script("echo $PPID; exec sleep 1000"));
    const [helper] = (await readLines(spawned.stdout, 1)).map(Number);
    process.kill(helper ?? 0, "SIGKILL");
    const { exitCode, signal } = await spawned.exited;
    assert.deepEqual([exitCode, signal], [-1, "SIGKILL"]);
    if (kind === "node") process.kill(-spawned.pid, "SIGKILL");
    await until(() => !isRunning(spawned.pid));
    const next = await spawner.spawn(script("exit 5"));
    assert.equal((await next.exited).exitCode, 5);
    for (const { stdout } of [spawned, next]) stdout.destroy();
  });

  test("signals for the whole service don't end the helper", async (t) => {
    const spawner = await startTestSpawner(t, helperProgram(t, kind));
    const text = "kill -TERM $PPID; kill -INT $PPID; kill -HUP $PPID; echo $PPID";
    const helpers = [];
    for (const spawned of [await spawner.spawn(script(text)), await spawner.spawn(script(text))]) {
      helpers.push(await readLines(spawned.stdout, 1));
      await spawned.exited;
    }
    assert.deepEqual(helpers[0], helpers[1]);
  });

  test("connections that say nothing, half of something or nonsense do no harm", async (t) => {
    const runtimeDirectory = temporaryDirectory(t);
    await using spawner = await startHelperSpawner({
      runtimeDirectory,
      program: helperProgram(t, kind),
    });
    const [name = ""] = readdirSync(runtimeDirectory);
    const path = join(runtimeDirectory, name);
    const bodyOf = (length: number) => encodeHeader(ROLE.stdout, 1_000_000, 0, length);
    const nonsense = [
      Buffer.alloc(0),
      Buffer.from("GET / HT"),
      Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
      bodyOf(0xffff_ffff),
      Buffer.concat([bodyOf(100), Buffer.alloc(50)]),
      Buffer.concat([bodyOf(8), Buffer.alloc(8, 0xff)]),
      Buffer.concat([bodyOf(9), Buffer.from([0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0, 0])]),
      encodeHeader(ROLE.stdin, 1_000_001),
      encodeHeader(ROLE.channel + 1, 1_000_002),
    ];
    for (const bytes of nonsense) {
      const socket = connect(path);
      socket.on("error", () => undefined);
      socket.end(bytes).resume();
      await new Promise((resolve) => socket.once("close", resolve));
    }
    const { exited, stdout } = await spawner.spawn(script("exit 6"));
    assert.equal((await exited).exitCode, 6);
    stdout.destroy();
  });

  test("the runtime directory's path has to fit into a socket's address", async (t) => {
    const program = helperProgram(t, kind);
    const starting = startHelperSpawner({ runtimeDirectory: `/tmp/${"x".repeat(100)}`, program });
    await assert.rejects(starting, { code: "ENAMETOOLONG" });
  });
}

/** A server in a process of its own that starts one process and says what that says. */
const SERVER = `
  const { SPAWNER, OPTIONS, REQUEST } = process.env;
  const { startHelperSpawner } = await import(SPAWNER);
  const spawner = await startHelperSpawner(JSON.parse(OPTIONS));
  const { stdout } = await spawner.spawn(JSON.parse(REQUEST));
  stdout.pipe(process.stdout);
`;

test("a helper that can't be started is a typed error", async (t: TestContext) => {
  const runtimeDirectory = temporaryDirectory(t);
  for (const program of ["/no/such/helper", "/bin/true"]) {
    const starting = startHelperSpawner({ runtimeDirectory, program: [program] });
    await assert.rejects(starting, GitSpawnError);
  }
});
