import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { stringify } from "smol-toml";
import { ServerService } from "../../src/proto/server_pb.ts";
import { dial } from "../../src/rpc/client/channel.ts";
import { createClient } from "../../src/rpc/client/client.ts";
import { startGitlabStandIn } from "./gitlab-stand-in.ts";
import type { Target } from "./target.ts";

const BIN = fileURLToPath(new URL("../../bin", import.meta.url));
const TOKEN = "a secret of the bench";
const STORAGE = "default";
const START_TIMEOUT_MS = 30_000;
const POLL_MS = 50;

/**
 * Starts our server in a process of its own, with everything that a production server has on:
 * a token, metrics, a log line for each call, a GitLab that is asked about changes.
 */
export async function startOwnServer(name: string): Promise<Target> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "bench-server-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const storagePath = join(folder, "repositories");
  const runtimeDir = join(folder, "run");
  await mkdir(storagePath);
  await mkdir(runtimeDir);
  const [port, metricsPort] = [await freePort(), await freePort()];
  const gitlab = stack.use(await startGitlabStandIn());
  const configPath = join(folder, "config.toml");
  const config = {
    listen_addr: `127.0.0.1:${port}`,
    prometheus_listen_addr: `127.0.0.1:${metricsPort}`,
    bin_dir: BIN,
    runtime_dir: runtimeDir,
    graceful_restart_timeout: "5s",
    logging: { format: "json", level: "info" },
    auth: { token: TOKEN },
    gitlab: { url: gitlab.url, secret: "a secret of GitLab's" },
    storage: [{ name: STORAGE, path: storagePath }],
  };
  await writeFile(configPath, stringify(config));
  const logPath = join(folder, "server.log");
  const child = await launch(configPath, logPath);
  stack.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    await exited;
  });
  const address = `tcp://127.0.0.1:${port}`;
  await untilServing(address, () => child.exitCode === null && child.signalCode === null, logPath);
  const owned = stack.move();
  return {
    name,
    address,
    token: TOKEN,
    storageName: STORAGE,
    storagePath,
    pid: child.pid,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function launch(configPath: string, logPath: string): Promise<ReturnType<typeof spawn>> {
  await using log = await open(logPath, "w");
  // Flags such as --cpu-prof; not all of them may stand in NODE_OPTIONS.
  const flags = (process.env["SERVER_FLAGS"] ?? "").split(" ").filter((flag) => flag !== "");
  const [program, ...args] =
    flags.length === 0
      ? [join(BIN, "gitaly"), "serve", configPath]
      : [process.execPath, ...flags, join(BIN, "../dist/bin/gitaly.js"), "serve", configPath];
  return spawn(program, args, { stdio: ["ignore", log.fd, log.fd] });
}

async function untilServing(
  address: string,
  isAlive: () => boolean,
  logPath: string,
): Promise<void> {
  await using channel = dial(address, { token: TOKEN });
  const server = createClient(ServerService, channel);
  const endMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const serving = await server.serverInfo({}).then(
      () => true,
      () => false,
    );
    if (serving) return;
    if (!isAlive() || performance.now() > endMs) {
      throw new Error(`our server did not start:\n${await readFile(logPath, "utf8")}`);
    }
    await delay(POLL_MS);
  }
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
