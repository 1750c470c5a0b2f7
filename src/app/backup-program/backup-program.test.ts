import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createLogger } from "../../base/log/create-logger.ts";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { NO_OBJECT_STORAGE, startObjectStorage } from "../../testing/object-storage.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import {
  type ServedRepository,
  startTestServer,
  TEST_STORAGE,
  type TestServer,
} from "../../testing/test-server.ts";
import { backupSettings } from "../../testing/test-settings.ts";
import { runProgram } from "../cli/run-program.ts";
import { backupProgram } from "./backup-program.ts";

const POOL = `@pools/aa/bb/aabb${"0".repeat(60)}.git`;

for (const kind of ["folder", "bucket", "server"] as const) {
  const skip = kind === "bucket" ? (NO_OBJECT_STORAGE ?? false) : false;
  test(`gitaly-backup brings repositories back from a ${kind}`, { skip }, async (t) => {
    const place = kind === "bucket" ? (await startObjectStorage(t)).url : temporaryDirectory(t);
    const server = await startTestServer(t, { backup: backupSettings({ goCloudUrl: place }) });
    const run = runner(t, server);
    const where = kind === "server" ? ["-server-side"] : ["-path", place];
    const repositories = (["sha1", "sha256"] as const).map((format) =>
      server.repository({ format }),
    );
    const empty = server.repository();
    const all = [...repositories, empty].map(addressOf);
    const firsts = repositories.map((repository) => {
      writeCommit(repository, { content: "gone\n", ref: "refs/heads/gone" });
      return writeCommit(repository, { ref: "refs/heads/trunk" });
    });
    assert.equal((await run(["create", ...where, "-id", "one"], all)).exitCode, 0);
    for (const [index, repository] of repositories.entries()) {
      const parents = firsts.slice(index, index + 1);
      writeCommit(repository, { ref: "refs/heads/trunk", parents });
      repository.git(["update-ref", "-d", "refs/heads/gone"]);
      repository.git(["symbolic-ref", "HEAD", "refs/heads/trunk"]);
      writeHook(server, repository);
    }
    const wanted = repositories.map(stateOf);
    assert.equal((await run(["create", ...where, "-id", "two", "-incremental"], all)).exitCode, 0);
    for (const repository of [...repositories, empty]) await remove(server, repository);
    assert.equal((await run(["restore", ...where], all)).exitCode, 0);
    assert.deepEqual(repositories.map(stateOf), wanted);
    assert.deepEqual(empty.gitLines(["for-each-ref"]), []);
    for (const repository of repositories) {
      repository.git(["fsck", "--strict"]);
      const { relativePath } = repository.address;
      const hook = join(server.storagePath, relativePath, "custom_hooks/update");
      assert.equal(readFileSync(hook, "utf8"), "#!/bin/sh\n");
    }
    assert.equal((await run(["restore", ...where, "-id", "one"], all)).exitCode, 0);
    const names = repositories.map(({ gitLines }) =>
      gitLines(["for-each-ref", "--format=%(refname)"]),
    );
    assert.deepEqual(names, [
      ["refs/heads/gone", "refs/heads/trunk"],
      ["refs/heads/gone", "refs/heads/trunk"],
    ]);
  });
}

test("gitaly-backup says which repositories failed, and keeps the others", async (t) => {
  const server = await startTestServer(t);
  const run = runner(t, server);
  const sink = join(temporaryDirectory(t), "backups");
  const repository = addressOf(server.repository());
  const strange = { storage_name: "strange", relative_path: "a.git", gl_project_path: "group/a" };
  const { exitCode, lines } = await run(
    ["create", "-path", sink, "-id", "x"],
    [strange, repository],
  );
  const error = "manager: set context server info: storage name not found";
  assert.equal(exitCode, 1);
  assert.deepEqual(
    lines.filter(({ level }) => level === "error"),
    [
      {
        level: "error",
        msg: "create failed",
        error,
        "command.name": "create",
        storage_name: "strange",
        relative_path: "a.git",
        gl_project_path: "group/a",
      },
      {
        level: "error",
        msg: `create: pipeline: 1 failures encountered:\n - a.git (group/a): ${error}\n`,
      },
    ],
  );
  const done = lines.filter(({ msg }) => msg === "completed create");
  assert.deepEqual(
    done.map(({ relative_path: path }) => path),
    [repository.relative_path],
  );
  assert.equal(existsSync(join(sink, "backup_ids/x")), true);
});

test("gitaly-backup removes what isn't in the backup when told to, but for pools", async (t) => {
  const server = await startTestServer(t);
  const run = runner(t, server);
  const place = ["-path", temporaryDirectory(t)];
  const kept = server.repository();
  writeCommit(kept, { ref: "refs/heads/main" });
  const [other, pool] = [server.repository(), server.repository({ relativePath: POOL })];
  await run(["create", ...place], [addressOf(kept)]);
  const flags = ["-remove-all-repositories", TEST_STORAGE];
  assert.equal((await run(["restore", ...place, ...flags], [addressOf(kept)])).exitCode, 0);
  const isThere = ({ address }: ServedRepository): boolean =>
    existsSync(join(server.storagePath, address.relativePath));
  assert.deepEqual([kept, other, pool].map(isThere), [true, false, true]);
});

test("gitaly-backup changes nothing when a later step of a backup is cut", async (t) => {
  const server = await startTestServer(t);
  const run = runner(t, server);
  const sink = temporaryDirectory(t);
  const repository = server.repository();
  const first = writeCommit(repository, { ref: "refs/heads/main" });
  await run(["create", "-path", sink, "-id", "one"], [addressOf(repository)]);
  writeCommit(repository, { ref: "refs/heads/main", parents: [first] });
  const flags = ["-path", sink, "-id", "two", "-incremental"];
  await run(["create", ...flags], [addressOf(repository)]);
  const { relativePath } = repository.address;
  truncateSync(join(sink, TEST_STORAGE, relativePath, "two/002.bundle"), 300);
  await remove(server, repository);
  const { exitCode, lines } = await run(["restore", "-path", sink], [addressOf(repository)]);
  assert.equal(exitCode, 1);
  assert.match(
    String(lines.at(-1)?.["msg"]),
    /restore from bundle: restore bundle: fetch bundle: /,
  );
  assert.equal(existsSync(join(server.storagePath, relativePath)), false);
});

for (const [argv, input, message] of [
  [["partition", "create", "-timeout", "5"], "", "parse timeout duration: time: missing unit"],
  [["create"], "", "create: resolve sink: failed to create object storage sink: creating sink"],
  [["create", "-path", "ftp://x"], "", 'create: resolve sink: unsupported sink URI scheme: "ftp"'],
  [["restore", "-server-side", "-path", "x"], "", "restore: path cannot be used with server-side"],
  [["create", "-path", "x"], "{", "create: unexpected EOF"],
  [["create", "-path", "x"], "<", "create: invalid character '<' looking for beginning of value"],
  [
    ["restore", "-path", "x", "-id", "x"],
    '{"address":1}',
    "restore: json: cannot unmarshal number into Go struct field " +
      "restoreRequest.serverRepository.ServerInfo.address of type string",
  ],
] as const) {
  test(`gitaly-backup ${argv.join(" ")} refuses ${JSON.stringify(input)}`, async (t) => {
    const { exitCode, lines } = await start(t, argv, input, {});
    assert.equal(exitCode, 1);
    assert.ok(String(lines.at(-1)?.["msg"]).startsWith(message), JSON.stringify(lines));
  });
}

test("gitaly-backup refuses servers that can't be read", async (t) => {
  const { exitCode, lines } = await start(t, ["create"], "", { GITALY_SERVERS: "%" });
  const reason = "failed decoding base64: illegal base64 data at input byte 0";
  assert.deepEqual([exitCode, lines.at(-1)?.["msg"]], [1, `injecting GITALY_SERVERS: ${reason}`]);
});

test("gitaly-backup needs transactions for backups of partitions", async (t) => {
  const run = runner(t, await startTestServer(t));
  const { exitCode, lines } = await run(["partition", "create"], []);
  const message = "rpc error: code = Internal desc = transactions not enabled";
  assert.equal(exitCode, 1);
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    [
      "creating partition backup for storage: default",
      "Partition backup completed: 0 succeeded, 0 failed",
      `partition create: list partitions: ${message}`,
    ],
  );
});

interface Outcome {
  readonly exitCode: number;
  /** Of the log, without what is different each time. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
}

type Run = (argv: readonly string[], repositories: readonly object[]) => Promise<Outcome>;

/** Runs the program, which knows the test server by the environment. */
function runner(t: TestContext, { socketPath }: TestServer): Run {
  const servers = { [TEST_STORAGE]: { address: `unix:${socketPath}`, token: "" } };
  const GITALY_SERVERS = Buffer.from(JSON.stringify(servers)).toString("base64");
  return (argv, repositories) => {
    const input = repositories.map((repository) => JSON.stringify(repository)).join("\n");
    return start(t, argv, input, { GITALY_SERVERS });
  };
}

async function start(
  t: TestContext,
  argv: readonly string[],
  input: string,
  environment: Readonly<Record<string, string>>,
): Promise<Outcome> {
  let log = "";
  const destination = {
    write: (line: string) => {
      log += line;
    },
    close: async () => {},
  };
  const logger = createLogger({ format: "json", level: "info", destination });
  const openLogger = () => ({ logger, [Symbol.asyncDispose]: async () => {} });
  const exitCode = await runProgram(backupProgram({ openLogger, now: new Date() }), "", argv, {
    stdin: inputOf(input),
    stdout: () => undefined,
    stderr: () => undefined,
    environment,
    signal: t.signal,
    now: () => new Date(),
  });
  const lines = log
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const { time: _time, ...rest }: Record<string, unknown> = JSON.parse(line);
      return rest;
    });
  return { exitCode, lines };
}

async function* inputOf(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(text);
}

async function remove(server: TestServer, { address }: ServedRepository): Promise<void> {
  await server.client(RepositoryService).removeRepository({ repository: address });
}

function addressOf({ address: { storageName, relativePath } }: ServedRepository) {
  return { storage_name: storageName, relative_path: relativePath };
}

function stateOf({ gitLines }: ServedRepository): string[] {
  const format = gitLines(["rev-parse", "--show-object-format"]);
  return [...gitLines(["for-each-ref"]), ...gitLines(["symbolic-ref", "HEAD"]), ...format];
}

function writeHook({ storagePath }: TestServer, { address }: ServedRepository): void {
  const folder = join(storagePath, address.relativePath, "custom_hooks");
  mkdirSync(folder);
  writeFileSync(join(folder, "update"), "#!/bin/sh\n", { mode: 0o755 });
}
