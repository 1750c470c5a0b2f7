import { createServer, type Server, type Socket } from "node:net";
import { availableParallelism } from "node:os";
import type { Logger } from "../base/log/logger.ts";
import { findGit } from "../gitcmd/binary/find-git.ts";
import { createGitRunner } from "../gitcmd/runner/process-git-runner.ts";
import { directSpawner } from "../gitcmd/spawn/direct-spawner.ts";
import { GrpcServer } from "../rpc/server/grpc-server.ts";
import { RepositoryLocator } from "../storage/locator/repository-locator.ts";
import type { Config } from "./config/config.ts";
import type { Runtime } from "./runtime.ts";
import { buildServices } from "./services.ts";

export interface StartOptions {
  readonly logger: Logger;
  /** The server's own environment; git gets an allow-listed part of it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** A server that takes calls. Closing it waits for the calls in progress, within the limit. */
export interface RunningServer extends AsyncDisposable {
  close(): Promise<void>;
}

/** Builds every part of the server once, in order, and starts to listen. */
export async function startServer(config: Config, options: StartOptions): Promise<RunningServer> {
  const runtime = await buildRuntime(config, options);
  const grpc = new GrpcServer({ services: buildServices(runtime), interceptors: [] });
  const listener = await listen(config.socketPath, (socket) => grpc.accept(socket));
  const close = async (): Promise<void> => {
    listener.close();
    await grpc.close(config.gracefulRestartTimeoutMs);
  };
  return { close, [Symbol.asyncDispose]: close };
}

async function buildRuntime(
  config: Config,
  { environment, signal }: StartOptions,
): Promise<Runtime> {
  const spawner = directSpawner;
  const binary = await findGit({ spawner, binPath: config.git.binPath, environment, signal });
  const cpuCount = availableParallelism();
  const git = createGitRunner({
    binary,
    spawner,
    environment,
    cpuCount,
    config: config.git.config,
  });
  const storages = new Map(config.storages.map(({ name, path }) => [name, path]));
  return { git, locator: new RepositoryLocator(storages), timeouts: config.timeout };
}

function listen(path: string, accept: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ noDelay: true }, accept);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => resolve(server));
  });
}
