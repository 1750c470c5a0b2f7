import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import type { HookName } from "../../hooks/context/hook-name.ts";
import {
  encodeHooksPayload,
  HOOKS_PAYLOAD_VARIABLE,
  type HooksPayload,
} from "../../hooks/payload/hooks-payload.ts";
import { findTestGit, runTestGit, temporaryDirectory } from "../../testing/git-repository.ts";
import {
  type ServedRepository,
  startTestServer,
  type TestServer,
} from "../../testing/test-server.ts";
import { runHookProgram } from "./hook-program.ts";

const ZERO = "0".repeat(40);
const ONE = "1".repeat(40);
const CHANGES = `${ZERO} ${ONE} refs/heads/main\n`;
const PROGRAM = join(import.meta.dirname, "../../bin/gitaly-hooks.ts");

function writeHook(repository: ServedRepository, name: string, script: string): void {
  const folder = join(repository.path, "custom_hooks");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}

function payload(
  server: TestServer,
  { address, format }: ServedRepository,
  changes: Partial<HooksPayload> = {},
): string {
  const hooks: HookName[] = ["pre-receive", "update", "post-receive", "reference-transaction"];
  return encodeHooksPayload({
    requestedHooks: new Set<HookName>([...hooks, "pack-objects"]),
    featureFlags: new Map([["some_flag", true]]),
    repository: { ...address, glRepository: "project-1", glProjectPath: "group/project" },
    objectFormat: format,
    runtimeDirectory: "",
    internalSocket: server.socketPath,
    internalSocketToken: "",
    transaction: undefined,
    user: { id: "user-1", username: "jane", protocol: "ssh", remoteIp: "1.2.3.4" },
    clientContext: undefined,
    ...changes,
  });
}

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(
  name: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  stdin = "",
): Promise<Ended> {
  const printed = { stdout: "", stderr: "" };
  const print = (stream: "stdout" | "stderr") => async (chunk: Uint8Array) => {
    printed[stream] += Buffer.from(chunk).toString();
  };
  const input = (async function* () {
    if (stdin !== "") yield Buffer.from(stdin);
  })();
  const status = await runHookProgram({
    name,
    args,
    environment,
    stdin: input,
    stdout: print("stdout"),
    stderr: print("stderr"),
  });
  return { status, ...printed };
}

async function setUp(t: TestContext, changes: Partial<HooksPayload> = {}) {
  const server = await startTestServer(t);
  const repository = server.repository();
  const environment = { [HOOKS_PAYLOAD_VARIABLE]: payload(server, repository, changes) };
  return { server, repository, environment };
}

test("gitaly-hooks is the hook that it is called as", async (t) => {
  const { repository, environment } = await setUp(t);
  writeHook(repository, "pre-receive", "cat; echo $GIT_PUSH_OPTION_1 $GL_USERNAME >&2");
  writeHook(repository, "post-receive", "cat; exit 3");
  writeHook(repository, "update", 'echo "$*"');
  const options = { GIT_PUSH_OPTION_COUNT: "2", GIT_PUSH_OPTION_0: "a", GIT_PUSH_OPTION_1: "b c" };
  const pushed = { ...environment, ...options };
  assert.deepEqual(await run("/hooks/pre-receive", [], pushed, CHANGES), {
    status: 0,
    stdout: CHANGES,
    stderr: "b c jane\n",
  });
  assert.deepEqual(await run("post-receive", [], environment, CHANGES), {
    status: 3,
    stdout: CHANGES,
    stderr: "",
  });
  const args = ["refs/heads/main", ZERO, ONE];
  assert.deepEqual(await run("update", args, environment), {
    status: 0,
    stdout: `${args.join(" ")}\n`,
    stderr: "",
  });
  for (const state of ["preparing", "prepared", "committed", "aborted"]) {
    const ended = await run("reference-transaction", [state], environment, CHANGES);
    assert.deepEqual(ended, { status: 0, stdout: "", stderr: "" });
  }
});

test("gitaly-hooks says why a push is refused, but not why it has failed itself", async (t) => {
  const { environment } = await setUp(t);
  assert.deepEqual(await run("pre-receive", [], environment), {
    status: 1,
    stdout: "",
    stderr: "hook got no reference updates",
  });
  const failed = { status: 1, stdout: "", stderr: "error executing git hook\n" };
  for (const [name, args, variables] of [
    ["update", ["refs/heads/main", "x", ONE], environment],
    ["update", ["refs/heads/main"], environment],
    ["reference-transaction", ["no state"], environment],
    ["reference-transaction", [], environment],
    ["proc-receive", [], environment],
    ["gitaly-hooks", ["rm"], environment],
    ["pre-receive", [], {}],
    ["pre-receive", [], { [HOOKS_PAYLOAD_VARIABLE]: "*" }],
  ] as const) {
    assert.deepEqual(await run(name, args, variables, CHANGES), failed, `${name} ${args}`);
  }
});

test("gitaly-hooks does nothing for a hook that nobody has asked for", async (t) => {
  const requestedHooks = new Set<HookName>(["update"]);
  const { environment } = await setUp(t, { requestedHooks, internalSocket: "/nonexistent" });
  for (const name of ["pre-receive", "post-receive", "reference-transaction"]) {
    const ended = await run(name, ["prepared"], environment, CHANGES);
    assert.deepEqual(ended, { status: 0, stdout: "", stderr: "" });
  }
  assert.equal((await run("update", ["a", ZERO, ONE], environment)).status, 1);
});

test("gitaly-hooks hands the pack of the server on to upload-pack", async (t) => {
  const runtimeDirectory = temporaryDirectory(t);
  const { repository, environment } = await setUp(t, { runtimeDirectory });
  const tree = repository.gitLine(["mktree"], { input: "" });
  const commit = repository.gitLine(["commit-tree", "-m", "one", tree]);
  repository.git(["update-ref", "refs/heads/main", commit]);
  const log = join(temporaryDirectory(t), "called");
  const hook = join(temporaryDirectory(t), "gitaly-hooks");
  const command = `GITALY_INVOKED_AS=gitaly-hooks exec ${process.execPath} ${PROGRAM} "$@"`;
  writeFileSync(hook, `#!/bin/sh\necho "$*" >>${log}\n${command}\n`, { mode: 0o755 });
  const clone = join(temporaryDirectory(t), "clone.git");
  // Only a configuration that no repository can write is asked for this hook.
  const config = join(temporaryDirectory(t), "config");
  writeFileSync(config, `[uploadpack]\n\tpackObjectsHook = ${hook}\n`);
  const args = ["clone", "--quiet", "--bare", "--no-local", repository.path, clone];
  const child = spawn(findTestGit(), args, {
    env: { PATH: process.env["PATH"], ...environment, GIT_CONFIG_GLOBAL: config },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [stderr, [status]] = await Promise.all([buffer(child.stderr), once(child, "close")]);
  assert.equal(status, 0, stderr.toString());
  assert.equal(runTestGit(["-C", clone, "rev-parse", "main"], {}).toString().trim(), commit);
  assert.ok(existsSync(log));
  assert.deepEqual(readdirSync(join(runtimeDirectory, "chan.d")), []);
});

test("gitaly-hooks fails a fetch that the server can't serve", async (t) => {
  const { environment } = await setUp(t);
  const failed = { status: 1, stdout: "", stderr: "error executing git hook\n" };
  assert.deepEqual(await run("gitaly-hooks", ["git", "rm"], environment), failed);
  const args = ["git", "pack-objects", "--revs", "--stdout"];
  assert.deepEqual(await run("gitaly-hooks", args, environment, "nothing\n"), {
    ...failed,
    stderr: "fatal: bad revision 'nothing'\nerror executing git hook\n",
  });
});

test("git takes the program for a hook", async (t) => {
  const { repository, environment } = await setUp(t);
  writeHook(repository, "pre-receive", "echo seen; exit 4");
  const folder = temporaryDirectory(t);
  const hook = join(folder, "pre-receive");
  const command = `GITALY_INVOKED_AS=\${0##*/} exec ${process.execPath} ${PROGRAM} "$@"`;
  writeFileSync(hook, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
  const child = spawn(hook, [], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(CHANGES);
  const [output, [status]] = await Promise.all([buffer(child.stdout), once(child, "close")]);
  assert.equal(output.toString(), "seen\n");
  assert.equal(status, 4);
});
