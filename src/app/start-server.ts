import type { Logger } from "../base/log/logger.ts";
import { openAccess } from "../hooks/access/access-check.ts";
import { type Listener, listen } from "../rpc/listener/listener.ts";
import { GrpcServer } from "../rpc/server/grpc-server.ts";
import { ensureStorageMetadata } from "../storage/metadata/storage-metadata.ts";
import type { Config } from "./config/config.ts";
import { createRuntimeDirectory } from "./config/runtime-directory.ts";
import { configuredEndpoints } from "./endpoints.ts";
import { buildRuntime, type RuntimeOptions } from "./runtime.ts";
import { buildServices } from "./services.ts";

export type StartOptions = Pick<RuntimeOptions, "logger" | "environment" | "signal">;

/** A server that takes calls. Closing it waits for the calls in progress, within the limit. */
export interface RunningServer extends AsyncDisposable {
  /** The port of the first TCP endpoint, when there is one. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

/** Builds every part of the server once, in order, and starts to listen. */
export async function startServer(config: Config, options: StartOptions): Promise<RunningServer> {
  await using stack = new AsyncDisposableStack();
  const { path: runtimeDirectory, internalSocketPath } = stack.use(
    await createRuntimeDirectory(config.runtimeDir, process.pid),
  );
  await identifyStorages(config, options.logger);
  const access = openAccess;
  const runtime = await buildRuntime(config, { ...options, runtimeDirectory, access }, stack);
  const grpc = new GrpcServer({ services: buildServices(runtime), interceptors: [] });
  const listeners: Listener[] = [];
  stack.defer(async () => {
    for (const listener of listeners) listener.stopAccepting();
    await grpc.close(config.gracefulRestartTimeoutMs);
    await Promise.all(listeners.map((listener) => listener.close()));
  });
  const internal = { kind: "unix", path: internalSocketPath } as const;
  for (const endpoint of [internal, ...(await configuredEndpoints(config))]) {
    const onConnection = grpc.accept.bind(grpc);
    listeners.push(await listen(endpoint, { onConnection, log: options.logger }));
  }
  const owned = stack.move();
  return {
    port: listeners.find(({ port }) => port !== undefined)?.port,
    close: () => owned.disposeAsync(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A storage that can't be written to is still served. */
async function identifyStorages({ storages }: Config, logger: Logger): Promise<void> {
  for (const { path } of storages) {
    try {
      await ensureStorageMetadata(path);
    } catch (error) {
      logger.error("Unable to write gitaly metadata file", { error });
    }
  }
}
