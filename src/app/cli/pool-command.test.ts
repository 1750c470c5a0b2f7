import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { InternalGitaly } from "../../proto/internal_pb.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { collect } from "../../testing/repository-errors.ts";
import { startTestServer, type TestServer } from "../../testing/test-server.ts";
import type { Terminal } from "./command.ts";
import { poolCommand } from "./pool-command.ts";
import { runProgram } from "./run-program.ts";

const POOL = "@pools/aa/bb/pool.git";

async function run(t: TestContext, ...argv: readonly string[]) {
  let stdout = "";
  const terminal: Terminal = {
    stdin: (async function* () {})(),
    stdout: (text) => {
      stdout += text;
    },
    stderr: () => undefined,
    environment: {},
    signal: t.signal,
    now: () => new Date(),
  };
  const program = { name: "gitaly", usage: "", description: "", commands: [poolCommand] };
  const exitCode = await runProgram(program, "", ["pool", ...argv], terminal);
  return { exitCode, stdout };
}

function writeConfig({ socketPath, storagePath }: TestServer): string {
  const folder = dirname(storagePath);
  const path = join(folder, "config.toml");
  writeFileSync(join(folder, "secret"), "x");
  mkdirSync(join(folder, "gone"));
  const lines = [
    ...[`socket_path = "${socketPath}"`, `bin_dir = "${folder}"`],
    ...["[gitlab]", 'url = "http://gitlab.example"', `secret_file = "${folder}/secret"`],
    ...["[[storage]]", 'name = "default"', `path = "${storagePath}"`],
    ...["[[storage]]", 'name = "gone"', `path = "${folder}/gone"`],
  ];
  writeFileSync(path, lines.join("\n"));
  return path;
}

test("gitaly pool records who borrows from which pool, storage by storage", async (t) => {
  const databasePath = join(temporaryDirectory(t), "pools.db");
  const server = await startTestServer(t, { poolMetadata: { databasePath } });
  server.repository({ relativePath: POOL });
  const { path } = server.repository({ relativePath: "a.git" });
  const config = `--config=${writeConfig(server)}`;
  const title = `\n=== Scanning storage: default (${server.storagePath}) ===\n`;
  const other = `\n=== Scanning storage: gone (${dirname(server.storagePath)}/gone) ===\n`;
  const reason = "rpc error: code = InvalidArgument desc = get storage: storage name not found";
  const failure = `${other}ERROR: scan pool metadata: receive: ${reason}\n`;
  const none = `${title}found 0 pool members\n${failure}`;
  assert.deepEqual(await run(t, config), { exitCode: 0, stdout: none });
  writeFileSync(join(path, "objects/info/alternates"), `../../${POOL}/objects\n`);
  const found = `found 1 pool members\npool member: a.git -> ${POOL} [isUpstream: false]\n`;
  assert.deepEqual(await run(t, config), { exitCode: 0, stdout: `${title}${found}${failure}` });
  const internal = server.client(InternalGitaly);
  const known = await collect(internal.listPoolMetadata({ storageName: "default" }));
  assert.deepEqual(
    known.map(({ poolDiskPath }) => poolDiskPath),
    [POOL],
  );
});

test("gitaly pool takes nothing but its configuration", async (t) => {
  const server = await startTestServer(t);
  const { exitCode } = await run(t, `--config=${writeConfig(server)}`, "extra");
  assert.equal(exitCode, 1);
});
