import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../../base/log/logger.ts";
import {
  createTestRepository,
  type TestRepository,
  temporaryDirectory,
} from "../../testing/git-repository.ts";
import {
  HELPER_KINDS,
  helperProgram,
  isRunning,
  startTestSpawner,
  until,
} from "../../testing/process-helpers.ts";
import { testPushContext } from "../../testing/test-push-context.ts";
import { openAccess } from "../access/access-check.ts";
import type { HookOutput, HookUser, PushContext } from "../context/push-context.ts";
import { CustomHookError } from "../hook-errors.ts";
import type { HookServices } from "../hook-services.ts";
import { type CustomHookOccasion, callCustomHooks } from "./custom-hooks.ts";
import { findCustomHooks } from "./find-custom-hooks.ts";

const USER: HookUser = { id: "key-7", username: "jane", protocol: "ssh", remoteIp: "" };
const PATH = process.env["PATH"] ?? "/usr/bin:/bin";

function writeHook(path: string, script: string, mode = 0o755): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, mode);
}

class Collected implements HookOutput {
  out = "";
  err = "";

  async stdout(chunk: Uint8Array): Promise<void> {
    this.out += Buffer.from(chunk).toString();
  }

  async stderr(chunk: Uint8Array): Promise<void> {
    this.err += Buffer.from(chunk).toString();
  }
}

async function hookServices(
  t: TestContext,
  customHooksDirectory = "",
  gitPath = "/opt/git/bin/git",
): Promise<HookServices> {
  const [kind = "node"] = HELPER_KINDS;
  return {
    access: openAccess,
    spawner: await startTestSpawner(t, helperProgram(t, kind)),
    logger: silentLogger,
    host: {
      environment: { PATH, SECRET: "hidden", TZ: "UTC", HOME: "/home" },
      gitPath,
      gitEnvironment: { GIT_EXEC_PATH: "/opt/git/libexec" },
    },
    customHooksDirectory,
  };
}

function occasion(changes: Partial<CustomHookOccasion> = {}): CustomHookOccasion {
  return {
    name: "pre-receive",
    user: USER,
    args: [],
    stdin: Buffer.from("old new ref\n"),
    environment: new Map(),
    pushOptions: [],
    ...changes,
  };
}

async function call(
  t: TestContext,
  services: HookServices,
  repository: TestRepository,
  changes: Partial<CustomHookOccasion> = {},
  context: Partial<PushContext> = {},
): Promise<Collected> {
  const output = new Collected();
  const pushed = testPushContext(repository, context);
  await callCustomHooks(services, pushed, occasion(changes), output, t.signal);
  return output;
}

test("hooks of the repository run before those of the server, by name", async (t) => {
  const repository = createTestRepository(t);
  const global = temporaryDirectory(t);
  const own = join(repository.path, "custom_hooks");
  const paths = [
    join(own, "update"),
    join(own, "update.d", "10-b"),
    join(own, "update.d", "2-a"),
    join(own, "update.d", "Z"),
    join(own, "update.d", "a"),
    join(global, "update.d", "1"),
    join(global, "update.d", "é"),
  ];
  for (const path of paths) writeHook(path, 'echo "$0 $*"');
  writeHook(join(own, "pre-receive"), "exit 1");
  writeHook(join(global, "update"), "exit 1");
  const services = await hookServices(t, global);
  const args = [Buffer.from("refs/heads/x"), "old", "new"];
  const { out, err } = await call(t, services, repository, {
    name: "update",
    args,
    stdin: undefined,
  });
  assert.equal(out, paths.map((path) => `${path} refs/heads/x old new\n`).join(""));
  assert.equal(err, "");
});

test("backups, directories and what can't be executed are no hooks", (t) => {
  const { path } = createTestRepository(t);
  const folder = join(path, "custom_hooks", "update.d");
  writeHook(join(folder, "first", "update~"), "");
  writeHook(join(folder, "second~"), "");
  writeHook(join(folder, "plain"), "", 0o644);
  mkdirSync(join(folder, "folder"));
  symlinkSync("nowhere", join(folder, "dangling"));
  symlinkSync("first/update~", join(folder, "good"));
  symlinkSync("first/update~", join(folder, "bad~"));
  assert.deepEqual(findCustomHooks(path, "", "update"), [join(folder, "good")]);
  assert.deepEqual(findCustomHooks(path, "/nonexistent", "post-receive"), []);
});

test("a folder of hooks that can't be read is an error", (t) => {
  const { path } = createTestRepository(t);
  writeHook(join(path, "custom_hooks", "update.d"), "");
  assert.throws(() => findCustomHooks(path, "", "update"), {
    message: `open ${path}/custom_hooks/update.d: not a directory`,
  });
});

test("every hook reads the changes, and the first that fails is the last", async (t) => {
  const repository = createTestRepository(t);
  const folder = join(repository.path, "custom_hooks", "pre-receive.d");
  writeHook(join(folder, "1"), "cat");
  writeHook(join(folder, "2"), "cat >&2; exit 3");
  writeHook(join(folder, "3"), "echo never");
  const output = new Collected();
  const context = testPushContext(repository);
  const changes = `${"x".repeat(200_000)}\nlast\n`;
  const calling = callCustomHooks(
    await hookServices(t),
    context,
    occasion({ stdin: Buffer.from(changes) }),
    output,
    t.signal,
  );
  await assert.rejects(calling, (error) => {
    assert.ok(error instanceof CustomHookError);
    assert.equal(error.exitCode, 3);
    assert.equal(
      error.message,
      `executing custom hooks: error executing "${folder}/2": exit status 3`,
    );
    return true;
  });
  assert.equal(output.out, changes);
  assert.equal(output.err, changes);
});

test("hooks that don't read their input do no harm", async (t) => {
  const repository = createTestRepository(t);
  writeHook(join(repository.path, "custom_hooks", "pre-receive"), "echo done");
  const services = await hookServices(t);
  const stdin = Buffer.alloc(1_000_000, "x\n");
  assert.equal((await call(t, services, repository, { stdin })).out, "done\n");
});

test("hooks can open their standard streams by name", async (t) => {
  const repository = createTestRepository(t);
  const script = "cat /dev/stdin; echo out >/dev/stdout; echo err >/dev/stderr";
  writeHook(join(repository.path, "custom_hooks", "pre-receive"), script);
  const { out, err } = await call(t, await hookServices(t), repository);
  assert.equal(out, "old new ref\nout\n");
  assert.equal(err, "err\n");
});

test("hooks see who pushes what, and nothing else of the server", async (t) => {
  const repository = createTestRepository(t);
  writeHook(join(repository.path, "custom_hooks", "pre-receive"), "pwd; env | sort");
  const environment = new Map([
    ["PATH", `/opt/git/libexec:${PATH}`],
    ["GIT_OBJECT_DIRECTORY", "/quarantine"],
    ["GIT_ALTERNATE_OBJECT_DIRECTORIES", "/objects"],
    ["GIT_QUARANTINE_PATH", "/quarantine"],
    ["TZ", "CET"],
  ]);
  const pushOptions = ["ci.skip", "two words"];
  const services = await hookServices(t);
  const { out } = await call(t, services, repository, { environment, pushOptions });
  const [directory, ...variables] = out.trimEnd().split("\n");
  assert.equal(directory, repository.path);
  const expected = [
    "CORRELATION_ID=correlation-1",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES=/objects",
    `GIT_DIR=${repository.path}`,
    "GIT_EXEC_PATH=/opt/git/libexec",
    "GIT_OBJECT_DIRECTORY=/quarantine",
    "GIT_PUSH_OPTION_0=ci.skip",
    "GIT_PUSH_OPTION_1=two words",
    "GIT_PUSH_OPTION_COUNT=2",
    "GL_ID=key-7",
    "GL_PROJECT_PATH=group/project",
    "GL_PROTOCOL=ssh",
    "GL_REPOSITORY=project-1",
    "GL_USERNAME=jane",
    "HOME=/home",
    `PATH=/opt/git/bin:/opt/git/libexec:${PATH}`,
    "TZ=CET",
  ];
  // Shells add variables of their own.
  assert.deepEqual(
    variables.filter((variable) => !/^(PWD|OLDPWD|SHLVL|_)=/.test(variable)),
    expected,
  );
});

test("without git's word on it, the quarantine is that of the request", async (t) => {
  const repository = createTestRepository(t);
  const script = "echo $GIT_OBJECT_DIRECTORY $GIT_ALTERNATE_OBJECT_DIRECTORIES $PATH";
  writeHook(join(repository.path, "custom_hooks", "pre-receive"), script);
  const context = testPushContext(repository);
  const located = {
    ...context.repository,
    objectDirectory: "/r/objects/incoming",
    alternateObjectDirectories: ["/r/objects", "/pool/objects"],
  };
  const services = await hookServices(t, "", "git");
  const { out } = await call(t, services, repository, {}, { repository: located });
  assert.equal(out, `/r/objects/incoming /r/objects:/pool/objects ${PATH}\n`);
});

test("a hook and what it has started end when the push is given up", async (t) => {
  const repository = createTestRepository(t);
  const script = "trap '' TERM; sleep 1000 & echo $$ $!; wait";
  writeHook(join(repository.path, "custom_hooks", "pre-receive"), script);
  const abort = new AbortController();
  const pids: number[] = [];
  const output: HookOutput = {
    stdout: async (chunk) => {
      pids.push(...Buffer.from(chunk).toString().trim().split(" ").map(Number));
      abort.abort(new Error("given up"));
    },
    stderr: async () => undefined,
  };
  const context = testPushContext(repository);
  const services = await hookServices(t);
  const calling = callCustomHooks(services, context, occasion(), output, abort.signal);
  await assert.rejects(calling, { message: "given up" });
  assert.equal(pids.length, 2);
  for (const pid of pids) await until(() => !isRunning(pid));
});

test("a hook ends when nobody takes its output", async (t) => {
  const repository = createTestRepository(t);
  writeHook(join(repository.path, "custom_hooks", "pre-receive"), "echo $$; exec sleep 1000");
  const pids: number[] = [];
  const output: HookOutput = {
    stdout: async (chunk) => {
      pids.push(Number(Buffer.from(chunk).toString()));
      throw new Error("no room");
    },
    stderr: async () => undefined,
  };
  const context = testPushContext(repository);
  const services = await hookServices(t);
  const calling = callCustomHooks(services, context, occasion(), output, t.signal);
  await assert.rejects(calling, { message: "no room" });
  for (const pid of pids) await until(() => !isRunning(pid));
});
