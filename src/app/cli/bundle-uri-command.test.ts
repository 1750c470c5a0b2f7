import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { startTestServer, type TestServer } from "../../testing/test-server.ts";
import { bundleUriCommand } from "./bundle-uri-command.ts";
import type { Terminal } from "./command.ts";
import { runProgram } from "./run-program.ts";

async function run(t: TestContext, ...argv: readonly string[]) {
  let stderr = "";
  const terminal: Terminal = {
    stdin: (async function* () {})(),
    stdout: () => undefined,
    stderr: (text) => {
      stderr += text.replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /, "");
    },
    environment: {},
    signal: t.signal,
    now: () => new Date(),
  };
  const program = { name: "gitaly", usage: "", description: "", commands: [bundleUriCommand] };
  const exitCode = await runProgram(program, "", ["bundle-uri", ...argv], terminal);
  return { exitCode, stderr };
}

function writeConfig({ socketPath, storagePath }: TestServer, storages = ["default"]): string {
  const folder = dirname(storagePath);
  const path = join(folder, "config.toml");
  const tables = storages.map((name) => {
    mkdirSync(join(folder, name), { recursive: true });
    return `[[storage]]\nname = "${name}"\npath = "${join(folder, name)}"\n`;
  });
  writeFileSync(join(folder, "secret"), "x");
  const gitlab = `[gitlab]\nurl = "http://gitlab.example"\nsecret_file = "${folder}/secret"\n`;
  const listens = `socket_path = "${socketPath}"\nbin_dir = "${folder}"\n`;
  writeFileSync(path, `${listens}${gitlab}${tables.join("")}`);
  return path;
}

test("gitaly bundle-uri has the server make a bundle", async (t) => {
  const bundles = temporaryDirectory(t);
  const server = await startTestServer(t, { bundleUri: { goCloudUrl: `file://${bundles}` } });
  writeCommit(server.repository({ relativePath: "a.git" }), { ref: "refs/heads/main" });
  const config = `--config=${writeConfig(server)}`;
  assert.deepEqual(await run(t, config, "--repository=a.git"), { exitCode: 0, stderr: "" });
  assert.ok(existsSync(join(bundles, "default/a.git/uri/default.bundle")));
  assert.deepEqual(await run(t, config, "--repository=none.git"), {
    exitCode: 1,
    stderr: "rpc error: code = NotFound desc = repository not found\n",
  });
  assert.deepEqual(await run(t, config, "--repository=a.git", "--storage=x"), {
    exitCode: 1,
    stderr: "rpc error: code = InvalidArgument desc = storage name not found\n",
  });
});

test("gitaly bundle-uri says what it needs to know", async (t) => {
  const server = await startTestServer(t);
  assert.deepEqual(await run(t), {
    exitCode: 1,
    stderr: 'Required flags "repository, config" not set\n',
  });
  assert.deepEqual(await run(t, "--repository=a.git", "-c", "/none"), {
    exitCode: 1,
    stderr: "load config: open /none: no such file or directory\n",
  });
  const config = `--config=${writeConfig(server, ["a", "b"])}`;
  assert.deepEqual(await run(t, config, "--repository=a.git"), {
    exitCode: 1,
    stderr: "multiple storages configured: use --storage to target storage explicitly\n",
  });
});
