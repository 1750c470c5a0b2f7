import { readFile } from "node:fs/promises";
import type { Server } from "node:net";
import { untilAborted } from "../../base/abort/until-aborted.ts";
import type { Logger } from "../../base/log/logger.ts";
import { HttpAccess } from "../../gateway/access/http-access.ts";
import { SshAccess } from "../../gateway/access/ssh-access.ts";
import type { GitBackend } from "../../gateway/backend/git-backend.ts";
import { connectBackend } from "../../gateway/backend/rpc-backend.ts";
import { BundleFiles } from "../../gateway/http/bundle-files.ts";
import { createHttpGateway } from "../../gateway/http/http-gateway.ts";
import { openHostKeys } from "../../gateway/ssh/host-keys.ts";
import { createSshGateway } from "../../gateway/ssh/ssh-gateway.ts";
import { listen } from "../listen.ts";
import type { BundleSettings, GatewayConfig } from "./gateway-config.ts";

/** A listener that can be closed. */
type Closable = Pick<Server, "close">;

export interface ServeGatewayOptions {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Called once clients can connect. */
  readonly onListening?: () => void;
}

/** Runs the gateway until the signal is aborted. */
export async function serveGateway(
  config: GatewayConfig,
  { logger, signal, onListening }: ServeGatewayOptions,
): Promise<void> {
  await using backend = connectBackend(config.server.address, {
    token: config.server.token,
    featureFlags: config.featureFlags,
  });
  const listeners: Closable[] = [];
  try {
    if (config.httpListenAddr !== "") listeners.push(await serveHttp(config, backend, logger));
    if (config.sshListenAddr !== "") listeners.push(await serveSsh(config, backend, logger));
    onListening?.();
    await untilAborted(signal);
  } finally {
    for (const listener of listeners) listener.close();
  }
}

async function serveHttp(
  config: GatewayConfig,
  backend: GitBackend,
  logger: Logger,
): Promise<Closable> {
  const { storage: storageName, createOnPush, tokens } = config;
  const access = new HttpAccess(tokens);
  const bundles = await openBundles(config.bundles);
  const gateway = { backend, access, storageName, createOnPush, logger, bundles };
  const server = createHttpGateway(gateway);
  await listen(server, config.httpListenAddr);
  logger.info("listening for git over HTTP", {
    address: config.httpListenAddr,
    admits: tokens.length === 0 ? "everybody who reaches it" : "holders of a token",
  });
  return {
    close: () => {
      server.closeAllConnections();
      return server.close();
    },
  };
}

async function openBundles({
  dir,
  secretKeyFile,
}: BundleSettings): Promise<BundleFiles | undefined> {
  if (dir === "") return undefined;
  return new BundleFiles({ folder: dir, secret: await readFile(secretKeyFile) });
}

async function serveSsh(
  config: GatewayConfig,
  backend: GitBackend,
  logger: Logger,
): Promise<Closable> {
  const { storage: storageName, createOnPush } = config;
  const access = new SshAccess(config.authorizedKeys);
  const hostKeys = await openHostKeys(config.hostKeyDir);
  const gateway = createSshGateway({
    backend,
    access,
    storageName,
    createOnPush,
    hostKeys,
    logger,
  });
  await listen(gateway, config.sshListenAddr);
  logger.info("listening for git over SSH", {
    address: config.sshListenAddr,
    admits: access.open ? "everybody who reaches it" : "holders of an authorized key",
  });
  return gateway;
}
