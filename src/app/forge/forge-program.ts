import { fileURLToPath } from "node:url";
import { createLogger } from "../../base/log/create-logger.ts";
import { openLogDestination } from "../../base/log/log-destination.ts";
import { type Command, CommandError, type Invocation } from "../cli/command.ts";
import { ConfigError } from "../config/config-error.ts";
import { type GatewayConfig, loadGatewayConfig } from "../gateway/gateway-config.ts";
import { serveGateway } from "../gateway/serve-gateway.ts";
import { startServerProcess } from "../supervisor/server-process.ts";
import { ForgeSettingError, type ForgeSettings, readForgeSettings } from "./forge-settings.ts";
import { prepareForge } from "./prepare-forge.ts";

const STDERR = 2;

/** `gitaly-forge`: a server and its gateway on this machine, for one person to try and to use. */
export const forgeProgram: Command = {
  name: "gitaly-forge",
  usage: "run a local forge",
  description:
    "Starts a Gitaly server and a gateway for git over HTTP and SSH, all on loopback.\n" +
    "FORGE_DIR, GRPC_PORT, HTTP_PORT and SSH_PORT say where.",
  run: runForge,
};

async function runForge(invocation: Invocation): Promise<number> {
  const settings = readSettings(invocation.environment);
  await prepareForge(settings);
  const config = await gatewayConfig(settings);
  const program = fileURLToPath(new URL("../../bin/gitaly.js", import.meta.url));
  await using server = await startServerProcess(
    program,
    settings.serverConfigPath,
    config.server.address,
    invocation.signal,
  );
  const ended = new AbortController();
  void server.exited.then(() => ended.abort());
  await serveDoors(
    settings,
    config,
    invocation,
    AbortSignal.any([invocation.signal, ended.signal]),
  );
  if (invocation.signal.aborted) return 0;
  invocation.stderr("the server has ended unexpectedly\n");
  return 1;
}

async function serveDoors(
  settings: ForgeSettings,
  config: GatewayConfig,
  { stdout }: Invocation,
  signal: AbortSignal,
): Promise<void> {
  const destination = openLogDestination(STDERR);
  const logger = createLogger({ format: config.logFormat, level: config.logLevel, destination });
  try {
    const onListening = (): void => stdout(welcome(settings, config));
    await serveGateway(config, { logger, signal, onListening });
  } finally {
    await destination.close();
  }
}

function readSettings(environment: Invocation["environment"]): ForgeSettings {
  try {
    return readForgeSettings(environment);
  } catch (error) {
    if (!(error instanceof ForgeSettingError)) throw error;
    throw new CommandError(error.message, 2);
  }
}

async function gatewayConfig(settings: ForgeSettings): Promise<GatewayConfig> {
  const imposed = {
    httpListenAddr: `127.0.0.1:${settings.httpPort}`,
    sshListenAddr: `127.0.0.1:${settings.sshPort}`,
    server: { address: `tcp://127.0.0.1:${settings.grpcPort}` },
    bundles: { dir: settings.bundlesPath, secretKeyFile: settings.bundlesKeyPath },
  };
  try {
    return await loadGatewayConfig(settings.gatewayConfigPath, imposed);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CommandError(error.message, 1);
  }
}

function welcome(settings: ForgeSettings, { tokens, authorizedKeys }: GatewayConfig): string {
  const http = `http://127.0.0.1:${settings.httpPort}`;
  const ssh = `ssh://git@127.0.0.1:${settings.sshPort}`;
  const doors = [
    `HTTP admits ${tokens.length === 0 ? "everybody who reaches it" : "holders of a token"}`,
    `SSH admits ${authorizedKeys.length === 0 ? "everybody who reaches it" : "holders of an authorized key"}`,
  ];
  return `The forge is running. Everything is kept in ${settings.folder}

  git over HTTP   ${http}
  git over SSH    ${ssh}
  gRPC (Gitaly)   tcp://127.0.0.1:${settings.grpcPort}

It listens on loopback only. ${doors.join("; ")}; see gateway.toml there.

Try, in any repository of yours:

  git push ${http}/me/project.git HEAD:main
  git clone ${http}/me/project.git
  git clone ${ssh}/me/project.git

Ctrl-C stops it.
`;
}
