import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { suite, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "../../src/testing/git-repository.ts";
import { eventually } from "../../src/testing/processes.ts";
import { writeCommit } from "../../src/testing/test-commits.ts";
import { startTestServer } from "../../src/testing/test-server.ts";
import { freePorts, startOnFreePorts, untilFree } from "./free-ports.ts";
import { GitClient } from "./git-client.ts";
import { makeWorkTree } from "./work-tree.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/gitaly-gateway", import.meta.url));
const START_MS = 60_000;

interface Doors {
  readonly http: string;
  readonly ssh: string;
}

/** Starts a gateway that ends with the test. */
async function startGateway(t: TestContext, serverAddress: string): Promise<Doors> {
  return startOnFreePorts(2, (ports) => startGatewayOn(t, serverAddress, ports));
}

async function startGatewayOn(
  t: TestContext,
  serverAddress: string,
  [httpPort, sshPort]: readonly number[],
): Promise<Doors> {
  const folder = temporaryDirectory(t);
  const config = join(folder, "gateway.toml");
  writeFileSync(
    config,
    [
      `http_listen_addr = "127.0.0.1:${httpPort}"`,
      `ssh_listen_addr = "127.0.0.1:${sshPort}"`,
      `[server]\naddress = "${serverAddress}"\n`,
    ].join("\n"),
  );
  const start = async (): Promise<() => Promise<void>> => {
    const child = spawn(PROGRAM, [config], { stdio: ["ignore", "pipe", "pipe"] });
    let log = "";
    const take = (chunk: Buffer): void => {
      log += chunk.toString();
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    const isOver = (): boolean => child.exitCode !== null || log.includes("git over SSH");
    await eventually("the gateway listens", START_MS, isOver);
    if (child.exitCode !== null) {
      if (!child.stderr.readableEnded) await once(child.stderr, "end");
      throw new Error(`the gateway has ended: ${log}`);
    }
    return async () => {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    };
  };
  const stopFirst = await start();
  const keyPath = join(folder, "ssh/ssh_host_ed25519_key.pub");
  const key = readFileSync(keyPath, "utf8");
  await stopFirst();
  const stop = await untilFree(start);
  t.after(stop);
  // A client that knows the host must know it again.
  assert.equal(readFileSync(keyPath, "utf8"), key);
  return { http: `http://127.0.0.1:${httpPort}`, ssh: `ssh://git@127.0.0.1:${sshPort}` };
}

suite("a gateway", () => {
  test("serves what a server has, and makes no repositories unasked", async (t) => {
    const server = await startTestServer(t);
    const repository = server.repository({ relativePath: "group/project.git" });
    const commit = writeCommit(repository, { ref: "refs/heads/main" });
    const doors = await startGateway(t, `unix:${server.socketPath}`);
    const work = await makeWorkTree(join(temporaryDirectory(t), "work"), "sha1");
    for (const door of [doors.http, doors.ssh]) {
      const refs = await work.run("ls-remote", `${door}/group/project`);
      assert.match(refs, new RegExp(`^${commit}\trefs/heads/main$`, "m"));
      const { status, stderr } = await work.attempt("push", `${door}/new.git`, "main");
      assert.equal(status, 128);
      assert.match(stderr, /remote: repository not found/);
    }
    assert.equal(existsSync(join(server.storagePath, "new.git")), false);
  });

  test("says so when there is no server behind it", async (t) => {
    const [port] = await freePorts(1);
    const doors = await startGateway(t, `tcp://127.0.0.1:${port}`);
    const path = "/a.git/info/refs?service=git-upload-pack";
    const response = await fetch(`${doors.http}${path}`, { signal: AbortSignal.timeout(60_000) });
    assert.equal(response.status, 503);
    assert.doesNotMatch(await response.text(), /\.ts|node:/);
    const { status, stderr } = await new GitClient().attempt("ls-remote", `${doors.ssh}/a.git`);
    assert.equal(status, 128);
    assert.match(stderr, /^remote: /m);
  });

  test("is not started with a configuration that can't work", async (t) => {
    const config = join(temporaryDirectory(t), "gateway.toml");
    writeFileSync(config, 'storage = ""\n[[token]]\nusername = "ada"\n');
    const child = spawn(PROGRAM, [config], { stdio: ["ignore", "ignore", "pipe"] });
    const exited = once(child, "exit");
    const said = await text(child.stderr);
    assert.deepEqual(await exited, [1, null]);
    for (const key of ["http_listen_addr", "storage", "server.address", "token"]) {
      assert.ok(said.includes(key), `${key}: ${said}`);
    }
  });
});
