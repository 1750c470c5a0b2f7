import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "../../src/testing/git-repository.ts";
import { eventually, hasEnded } from "../../src/testing/processes.ts";
import { startOnFreePorts, untilFree } from "./free-ports.ts";

/** A forge in processes of its own, as `make run` starts it. */
export interface Forge {
  readonly folder: string;
  readonly storagePath: string;
  readonly grpcAddress: string;
  readonly http: string;
  readonly ssh: string;
  /** The process of the gRPC server. */
  serverPid(): number;
  /** The process of the doors for git clients. */
  gatewayPid(): number;
  /** The last lines that match of its log since it was started. */
  logged(pattern: RegExp): string;
  /** Ends it in order and waits. */
  stop(): Promise<void>;
  /** Ends every process of it at once, as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again on the same data. */
  start(): Promise<void>;
}

/** How long a start may take on a busy machine. */
const START_TIMEOUT_MS = 120_000;

const PROGRAM = fileURLToPath(new URL("../../bin/gitaly-forge", import.meta.url));

/**
 * Starts a forge that ends with the test. `gateway` is added to its `gateway.toml`; `prefix` is a
 * command that becomes the forge in the end.
 */
export async function startForge(
  t: TestContext,
  gateway?: string,
  prefix: readonly string[] = [],
): Promise<Forge> {
  const folder = join(
    temporaryDirectory(t, () => stop()),
    "forge",
  );
  if (gateway !== undefined) {
    mkdirSync(folder);
    writeFileSync(join(folder, "gateway.toml"), `create_on_push = true\n${gateway}`);
  }
  let child: ChildProcess | undefined;
  const log: Log = { text: "" };
  const startOn = async (ports: readonly number[]): Promise<readonly number[]> => {
    const [grpcPort, httpPort, sshPort] = ports;
    const environment = {
      ...process.env,
      FORGE_DIR: folder,
      GRPC_PORT: String(grpcPort),
      HTTP_PORT: String(httpPort),
      SSH_PORT: String(sshPort),
    };
    child = await launch(environment, prefix, log);
    return ports;
  };
  const stop = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    await exited;
  };
  const gatewayPid = (): number => child?.pid ?? 0;
  const serverPid = (): number => childOf(gatewayPid());
  const kill = async (): Promise<void> => {
    if (child?.pid === undefined) return;
    const exited = once(child, "exit");
    const server = serverPid();
    process.kill(server, "SIGKILL");
    child.kill("SIGKILL");
    await exited;
    // It may end later than its parent: it holds its port until its last write is done.
    await eventually("the server is gone", 60_000, () => hasEnded(server));
  };
  const ports = await startOnFreePorts(3, startOn);
  const [grpcPort, httpPort, sshPort] = ports;
  return {
    folder,
    storagePath: join(folder, "repositories"),
    grpcAddress: `tcp://127.0.0.1:${grpcPort}`,
    http: `http://127.0.0.1:${httpPort}`,
    ssh: `ssh://git@127.0.0.1:${sshPort}`,
    serverPid,
    gatewayPid,
    logged: (pattern) => {
      const lines = log.text.split("\n").filter((line) => pattern.test(line));
      return lines.slice(-LOG_LINES).join("\n");
    },
    stop,
    kill,
    start: async () => {
      await untilFree(() => startOn(ports));
    },
  };
}

/** What a forge has written since it was started, without the oldest part of a long log. */
interface Log {
  text: string;
}

const LOG_LENGTH_MAX = 2 ** 20;
const LOG_LINES = 5;

/** Starts the program and waits until it says that it runs. */
async function launch(
  environment: NodeJS.ProcessEnv,
  prefix: readonly string[],
  log: Log,
): Promise<ChildProcess> {
  const [program = PROGRAM, ...args] = [...prefix, PROGRAM];
  const child = spawn(program, args, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  log.text = "";
  const take = (chunk: Buffer): void => {
    log.text = (log.text + chunk.toString()).slice(-LOG_LENGTH_MAX);
  };
  child.stderr.on("data", take);
  const failed = once(child, "close").then(() => {
    throw new Error(`the forge has ended: ${log.text}`);
  });
  failed.catch(() => undefined);
  // Read to its end: a forge whose words nobody takes any more would fail.
  const { promise: running, resolve } = Promise.withResolvers<void>();
  child.stdout.on("data", (chunk: Buffer) => {
    take(chunk);
    if (log.text.includes("The forge is running")) resolve();
  });
  await Promise.race([running, failed, expired()]);
  return child;
}

async function expired(): Promise<never> {
  await once(AbortSignal.timeout(START_TIMEOUT_MS), "abort");
  throw new Error("the forge takes too long to start");
}

/** The forge has one child: the server. */
function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);
}
