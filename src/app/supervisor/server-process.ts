import { spawn } from "node:child_process";
import { once } from "node:events";
import { Health, HealthCheckResponse_ServingStatus } from "../../proto/grpc/health/v1/health_pb.ts";
import { dial } from "../../rpc/client/channel.ts";
import { createClient } from "../../rpc/client/client.ts";

/** The server as a process of its own. Disposing tells it to stop and waits for its end. */
export interface ServerProcess extends AsyncDisposable {
  /** Settles when the process has ended, for whatever reason. */
  readonly exited: Promise<void>;
}

/** How long a server may take until it answers. */
const START_TIMEOUT_MS = 60_000;

/** Starts `PROGRAM serve CONFIG` and waits until it answers at `address`. */
export async function startServerProcess(
  program: string,
  configPath: string,
  address: string,
  signal: AbortSignal,
): Promise<ServerProcess> {
  // The parent stops it in order; a Ctrl-C on the terminal must not reach it at the same time.
  const command = [...process.execArgv, program, "serve", configPath];
  const child = spawn(process.execPath, command, {
    stdio: ["ignore", "inherit", "inherit"],
    detached: true,
  });
  const exited = once(child, "exit").then(() => undefined);
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await exited;
  };
  try {
    await Promise.race([answering(address, signal), exited.then(() => ended())]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { exited, [Symbol.asyncDispose]: stop };
}

/** Waits until the server says that it serves; connecting is tried again until the time is up. */
async function answering(address: string, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
  await using channel = dial(address);
  const health = createClient(Health, channel);
  for (;;) {
    try {
      const { status } = await health.check({}, { signal: limit });
      if (status === HealthCheckResponse_ServingStatus.SERVING) return;
    } catch (error) {
      if (limit.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

const RETRY_MS = 50;

function ended(): never {
  throw new Error("the server has ended before it could answer");
}
