import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { ServerService } from "../../src/proto/server_pb.ts";
import { type Channel, dial } from "../../src/rpc/client/channel.ts";
import { createClient } from "../../src/rpc/client/client.ts";
import { temporaryDirectory } from "../../src/testing/git-repository.ts";
import { OTHER_STORAGE } from "../../src/testing/other-server.ts";
import { eventually } from "../../src/testing/processes.ts";
import { TEST_STORAGE } from "../../src/testing/test-server.ts";

/** A server in a process of its own, with two storages and a place for backups. */
export interface OwnServer {
  readonly socketPath: string;
  readonly storagePath: string;
  readonly otherPath: string;
  readonly channel: Channel;
  pid(): number;
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again on the same data, and waits until it answers. */
  start(): Promise<void>;
}

/** How long a start may take on a busy machine. */
const START_TIMEOUT_MS = 60_000;

const BIN = fileURLToPath(new URL("../../bin", import.meta.url));

/** Starts a server with a git of its own; it ends with the test. */
export async function startOwnServer(t: TestContext, gitPath: string): Promise<OwnServer> {
  let channel: Channel | undefined;
  const folder = temporaryDirectory(t, async () => {
    await channel?.close();
    await kill();
  });
  const [storagePath, otherPath] = [join(folder, "default"), join(folder, "other")];
  const [socketPath, runtimeDir] = [join(folder, "gitaly.socket"), join(folder, "run")];
  for (const path of [storagePath, otherPath, runtimeDir]) mkdirSync(path);
  const lines = [
    `socket_path = "${socketPath}"`,
    `runtime_dir = "${runtimeDir}"`,
    `bin_dir = "${BIN}"`,
    ...["[logging]", 'level = "error"', "[git]", `bin_path = "${gitPath}"`],
    ...["[backup]", `go_cloud_url = "${join(folder, "backups")}"`],
    ...["[[storage]]", `name = "${TEST_STORAGE}"`, `path = "${storagePath}"`],
    ...["[[storage]]", `name = "${OTHER_STORAGE}"`, `path = "${otherPath}"`],
  ];
  const config = join(folder, "config.toml");
  writeFileSync(config, `${lines.join("\n")}\n`);
  let child: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  const start = async (): Promise<void> => {
    child = spawn(join(BIN, "gitaly"), ["serve", config], { stdio: "ignore" });
    await eventually("the server answers", START_TIMEOUT_MS, () => answers(socketPath));
  };
  await start();
  channel = dial(`unix:${socketPath}`);
  return {
    ...{ socketPath, storagePath, otherPath, channel, kill, start },
    pid: () => child?.pid ?? 0,
  };
}

async function answers(socketPath: string): Promise<boolean> {
  const channel = dial(`unix:${socketPath}`);
  try {
    await createClient(ServerService, channel).serverInfo({});
    return true;
  } catch {
    return false;
  } finally {
    await channel.close();
  }
}
