import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join, normalize } from "node:path";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { untilAborted } from "../../base/abort/until-aborted.ts";
import type { ObjectFormat } from "../../git/oid/oid.ts";
import { PktLineEncoder } from "../../git/pkt-line/pkt-line-encoder.ts";
import {
  createTestRepository,
  findTestGit,
  runTestGit,
  type TestRepository,
  temporaryDirectory,
} from "../../testing/git-repository.ts";
import { testPushContext } from "../../testing/test-push-context.ts";
import { type HookName, RECEIVE_PACK_HOOKS } from "../context/hook-name.ts";
import { CustomHookError, HookError } from "../hook-errors.ts";
import type { HookManager } from "../hook-manager.ts";
import { installHookStubs } from "./hook-stubs.ts";
import { serveHookChannel } from "./serve-hook-channel.ts";

/** The shells that /bin/sh may be, as far as this machine has them. */
const SHELLS = ["/bin/sh", "/bin/dash", "/bin/bash", "/bin/ksh"].filter(existsSync);

/** Lets everything pass, except where a test says otherwise. */
function hooks(overrides: Partial<HookManager> = {}): HookManager {
  return {
    neededHooks: ({ requestedHooks }) => requestedHooks,
    preReceive: () => Promise.resolve(),
    update: () => Promise.resolve(),
    postReceive: () => Promise.resolve(),
    referenceTransaction: () => Promise.resolve(),
    ...overrides,
  };
}

interface Pushed {
  readonly exitCode: number | null;
  readonly stderr: Buffer;
}

interface Served {
  readonly repository: TestRepository;
  readonly manager: HookManager;
  readonly stubs?: ReadonlySet<HookName>;
  readonly signal?: AbortSignal;
}

/** Starts a program of git's that hands descriptor 3 down to hooks, and serves those. */
async function startServed(
  t: TestContext,
  program: (hooksPath: string) => readonly string[],
  { repository, manager, stubs = RECEIVE_PACK_HOOKS, signal = t.signal }: Served,
) {
  const choice = (await installHookStubs(join(temporaryDirectory(t), "hooks"))).choose(stubs);
  const hooksPath = choice === "disabled" ? "/dev/null" : choice.hooksPath;
  const child = spawn(findTestGit(), program(hooksPath), {
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], HOME: "/nonexistent", GIT_CONFIG_GLOBAL: "/dev/null" },
  });
  const channel = child.stdio[3] as unknown as Duplex;
  const context = testPushContext(repository);
  const serving = serveHookChannel(channel, manager, context, signal);
  const chunks: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on("error", () => undefined);
  const ended = Promise.all([once(child, "close"), serving]).then(([[exitCode]]): Pushed => {
    return { exitCode, stderr: Buffer.concat(chunks) };
  });
  return { child, channel, ended };
}

/** Pushes into the repository as a client does, with `receive-pack` in a process of its own. */
async function push(t: TestContext, args: readonly string[], served: Served): Promise<Pushed> {
  const source = served.repository.path.replace(/repository\.git$/, "source.git");
  const program = (hooksPath: string): string[] => [
    ...["-C", source, "push"],
    `--receive-pack=${findTestGit()} -c core.hooksPath=${hooksPath} -c receive.advertisePushOptions receive-pack`,
    served.repository.path,
    ...args,
  ];
  const { child, ended } = await startServed(t, program, served);
  child.stdin.end();
  child.stdout.resume();
  return ended;
}

/** An empty repository, and beside it one with a commit to push. */
function repositories(t: TestContext, format: ObjectFormat = "sha1") {
  const repository = createTestRepository(t, { format });
  const source = repository.path.replace(/repository\.git$/, "source.git");
  runTestGit(["init", "--quiet", "--bare", `--object-format=${format}`, source], {});
  const tree = runTestGit(["-C", source, "write-tree"], {}).toString().trim();
  const commit = runTestGit(["-C", source, "commit-tree", "-m", "one", tree], {}).toString().trim();
  runTestGit(["-C", source, "update-ref", "refs/heads/main", commit], {});
  return { repository, source, commit };
}

for (const format of ["sha1", "sha256"] as const) {
  test(`a push calls the hooks in git's order with git's arguments, ${format}`, async (t) => {
    const { repository, commit } = repositories(t, format);
    const zero = "0".repeat(commit.length);
    const calls: unknown[] = [];
    const manager = hooks({
      preReceive: async (_context, { changes, environment, pushOptions }) => {
        const quarantine = environment.get("GIT_QUARANTINE_PATH") ?? "";
        assert.match(quarantine, /\/objects\/tmp_objdir-incoming-\w+$/);
        assert.equal(environment.get("GIT_OBJECT_DIRECTORY"), quarantine);
        const alternates = environment.get("GIT_ALTERNATE_OBJECT_DIRECTORIES");
        assert.equal(normalize(alternates ?? ""), join(repository.path, "objects"));
        assert.match(environment.get("PATH") ?? "", /:/);
        calls.push(["pre-receive", changes.toString(), pushOptions]);
      },
      update: async (_context, { ref, oldValue, newValue, environment }) => {
        assert.equal(environment.get("GIT_QUARANTINE_PATH"), undefined);
        calls.push(["update", Buffer.from(ref).toString("latin1"), oldValue, newValue]);
      },
      postReceive: async (_context, { changes, pushOptions }) => {
        calls.push(["post-receive", changes.toString(), pushOptions]);
      },
      referenceTransaction: async (_context, state, changes) => {
        calls.push(["reference-transaction", state, changes.toString()]);
      },
    });
    const args = ["-o", "one", "-o", "", "-o", "ÿ two", "main:ref\xff"];
    const pushed = await push(t, args, { repository, manager });
    assert.equal(pushed.exitCode, 0, pushed.stderr.toString());
    const line = `${zero} ${commit} refs/heads/refÿ\n`;
    const options = ["one", "", "ÿ two"];
    const ref = Buffer.from("refs/heads/refÿ").toString("latin1");
    assert.deepEqual(calls, [
      ["pre-receive", line, options],
      ["update", ref, zero, commit],
      ["reference-transaction", "prepared", line],
      ["reference-transaction", "committed", line],
      ["post-receive", line, options],
    ]);
    assert.equal(repository.gitLine(["rev-parse", "refs/heads/refÿ"]), commit);
  });
}

test("the pusher sees what hooks print", async (t) => {
  const { repository } = repositories(t);
  const manager = hooks({
    preReceive: async (_context, _input, output) => {
      await output.stdout(Buffer.from("no end of line,"));
      await output.stderr(Buffer.from(" and then one\n"));
    },
  });
  const { exitCode, stderr } = await push(t, ["main"], { repository, manager });
  assert.equal(exitCode, 0);
  assert.match(stderr.toString(), /remote: no end of line, and then one *\n/);
});

test("output passes through the shell byte by byte, except for NUL", async (t) => {
  const folder = join(temporaryDirectory(t), "hooks");
  await installHookStubs(folder);
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const printed = Buffer.concat([
    Buffer.from("  \\ \n\n%s\r\n"),
    Buffer.alloc(40_000, "x"),
    bytes,
    Buffer.from("\n"),
    bytes,
  ]);
  const manager = hooks({
    preReceive: async (_context, { changes }, output) => {
      assert.deepEqual(changes, Buffer.concat([bytes.subarray(1), Buffer.from("\n")]));
      await output.stdout(printed);
      await output.stderr(printed);
      throw new CustomHookError("/hook", -1, "signal: killed");
    },
  });
  for (const shell of SHELLS) {
    const child = spawn(shell, [join(folder, "pre-receive", "pre-receive")], {
      stdio: ["pipe", "pipe", "pipe", "pipe"],
    });
    const channel = child.stdio[3] as unknown as Duplex;
    const context = testPushContext(createTestRepository(t));
    const serving = serveHookChannel(channel, manager, context, t.signal);
    child.stdin.end(Buffer.concat([bytes.subarray(1), Buffer.from("\n")]));
    const [stdout, stderr, [exitCode]] = await Promise.all([
      buffer(child.stdout),
      buffer(child.stderr),
      once(child, "close"),
      serving,
    ]);
    const expected = printed.filter((byte) => byte !== 0);
    assert.deepEqual(stdout, Buffer.from(expected), shell);
    assert.deepEqual(stderr, Buffer.from(expected), shell);
    assert.equal(exitCode, 255, shell);
  }
});

test("a hook that refuses ends the push with its reason", async (t) => {
  for (const [error, reason] of [
    [new HookError("GitLab: not today"), /remote: GitLab: not today/],
    [new CustomHookError("/hook", 3, "exit status 3"), /pre-receive hook declined/],
    [new Error("something of ours"), /remote: error executing git hook/],
  ] as const) {
    const { repository } = repositories(t);
    const manager = hooks({ preReceive: () => Promise.reject(error) });
    const { exitCode, stderr } = await push(t, ["main"], { repository, manager });
    assert.equal(exitCode, 1);
    assert.match(stderr.toString(), reason);
    assert.match(
      stderr.toString(),
      /\[remote rejected\] main -> main \(pre-receive hook declined\)/,
    );
    assert.doesNotMatch(stderr.toString(), /something of ours|exit status/);
    assert.equal(repository.gitLine(["for-each-ref"]), "");
  }
});

test("an update hook refuses one ref, a transaction hook all", async (t) => {
  const { repository } = repositories(t);
  const update: HookManager["update"] = async (_context, { ref }, output) => {
    if (!Buffer.from(ref).toString().endsWith("two")) return;
    await output.stderr(Buffer.from("not two\n"));
    throw new CustomHookError("/hook", 1, "exit status 1");
  };
  const args = ["main:one", "main:two"];
  const one = await push(t, args, { repository, manager: hooks({ update }) });
  assert.match(one.stderr.toString(), /remote: not two/);
  assert.match(one.stderr.toString(), /\[remote rejected\] main -> two \(hook declined\)/);
  assert.equal(repository.gitLine(["for-each-ref", "--format=%(refname)"]), "refs/heads/one");
  const referenceTransaction = () => Promise.reject(new HookError("no votes"));
  const none = await push(t, ["main:three"], {
    repository,
    manager: hooks({ referenceTransaction }),
  });
  assert.notEqual(none.exitCode, 0);
  assert.doesNotMatch(none.stderr.toString(), /no votes/);
  assert.equal(repository.gitLine(["for-each-ref", "--format=%(refname)"]), "refs/heads/one");
});

test("thousands of refs and a lot of output pass at once", async (t) => {
  const { repository, source, commit } = repositories(t);
  const count = 2500;
  const create = Array.from({ length: count }, (_, i) => `create refs/heads/b${i} ${commit}\n`);
  runTestGit(["-C", source, "update-ref", "--stdin"], { input: create.join("") });
  const lines: number[] = [];
  const talk: HookManager["preReceive"] = async (_context, { changes }, output) => {
    lines.push(changes.toString().split("\n").length - 1);
    for (let i = 0; i < 2000; i += 1)
      await output.stdout(Buffer.from(`line ${i} ${"x".repeat(90)}\n`));
  };
  const manager = hooks({ preReceive: talk, postReceive: talk });
  const stubs = new Set<HookName>(["pre-receive", "post-receive"]);
  const args = ["refs/heads/b*:refs/heads/b*"];
  const { exitCode, stderr } = await push(t, args, { repository, manager, stubs });
  assert.equal(exitCode, 0);
  assert.deepEqual(lines, [count, count]);
  assert.equal(stderr.toString().match(/remote: line 1999 x{90}/g)?.length, 2);
  assert.equal(repository.gitLines(["for-each-ref"]).length, count);
});

test("line feeds in ref names and push options reach the hook as they are", async (t) => {
  const { repository } = repositories(t);
  const oid = "1".repeat(40);
  const zero = "0".repeat(40);
  const seen: string[][] = [];
  const manager = hooks({
    preReceive: async (_context, { changes, pushOptions }) => {
      seen.push([changes.toString(), ...pushOptions]);
      throw new HookError("no");
    },
  });
  const program = (hooksPath: string): string[] => [
    ...["-c", `core.hooksPath=${hooksPath}`, "-c", "receive.advertisePushOptions=true"],
    ...["receive-pack", repository.path],
  ];
  const { child, ended } = await startServed(t, program, { repository, manager });
  const option = "a\n.\nx\n1 0\nGIT_PUSH_OPTION_9 1\nb\n";
  // Deletions need no pack, and commands are told to pre-receive before their names are checked.
  const names = ["refs/heads/x\n.\npre-receive 1\n.", "refs/heads/protected"];
  const request = new PktLineEncoder();
  request.line(`${oid} ${zero} ${names[0]}\0report-status push-options`);
  request.line(`${oid} ${zero} ${names[1]}`).flush().line(option).flush();
  child.stdout.resume();
  child.stdin.end(request.take());
  await ended;
  const changes = names.map((name) => `${oid} ${zero} ${name}\n`).join("");
  assert.deepEqual(seen, [[changes, option.replace(/\n$/, "")]]);
});

test("a push that is given up leaves no hook behind", async (t) => {
  const { repository } = repositories(t);
  const abort = new AbortController();
  const stopped = Promise.withResolvers<unknown>();
  const manager = hooks({
    preReceive: async (_context, _input, _output, signal) => {
      signal.addEventListener("abort", () => stopped.resolve(signal.reason));
      abort.abort(new Error("given up"));
      await stopped.promise;
      signal.throwIfAborted();
    },
  });
  const pushed = await push(t, ["main"], { repository, manager, signal: abort.signal });
  assert.equal(String(await stopped.promise), "Error: given up");
  assert.equal(pushed.exitCode, 1);
  assert.match(pushed.stderr.toString(), /remote: error executing git hook/);
});

test("the work of a hook is given up when git goes away", async (t) => {
  const { repository, source } = repositories(t);
  const started = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  const manager = hooks({
    preReceive: async (_context, _input, _output, signal) => {
      started.resolve();
      await untilAborted(signal);
      stopped.resolve();
      signal.throwIfAborted();
    },
  });
  const script = `exec 4>&3; ${findTestGit()} -C ${source} push --receive-pack="${findTestGit()} -c core.hooksPath=$1 receive-pack" ${repository.path} main`;
  const program = (hooksPath: string): string[] => [
    ...["-c", `alias.go=!f() { ${script}; }; f`, "go", hooksPath],
  ];
  const { child, channel, ended } = await startServed(t, program, { repository, manager });
  child.stdout.resume();
  await started.promise;
  channel.destroy();
  await stopped.promise;
  assert.notEqual((await ended).exitCode, 0);
});

test("only the hooks that were asked for are found", async (t) => {
  const stubs = await installHookStubs(join(temporaryDirectory(t), "hooks"));
  assert.equal(stubs.choose(new Set()), "disabled");
  assert.equal(stubs.choose(new Set<HookName>(["pack-objects"])), "disabled");
  const { repository } = repositories(t);
  const calls: string[] = [];
  const manager = hooks({
    preReceive: async () => void calls.push("pre-receive"),
    update: async () => void calls.push("update"),
    postReceive: async () => void calls.push("post-receive"),
    referenceTransaction: async () => void calls.push("reference-transaction"),
  });
  const chosen = new Set<HookName>(["update", "post-receive"]);
  const { exitCode } = await push(t, ["main"], { repository, manager, stubs: chosen });
  assert.equal(exitCode, 0);
  assert.deepEqual(calls, ["update", "post-receive"]);
});
