import { createLogger } from "../../base/log/create-logger.ts";
import { openLogDestination } from "../../base/log/log-destination.ts";
import { type Command, CommandError, type Invocation } from "../cli/command.ts";
import { ConfigError } from "../config/config-error.ts";
import { type GatewayConfig, loadGatewayConfig } from "./gateway-config.ts";
import { serveGateway } from "./serve-gateway.ts";

const STDOUT = 1;

/** `gitaly-gateway CONFIG`: serves git over HTTP and SSH in front of a Gitaly server. */
export const gatewayProgram: Command = {
  name: "gitaly-gateway",
  usage: "serve git over HTTP and SSH in front of a Gitaly server",
  usageText: "gitaly-gateway <gateway_config_file>",
  description: "Runs the gateway until it is told to stop.",
  run: runGateway,
};

async function runGateway({ args, signal, showHelp }: Invocation): Promise<number> {
  const [path = ""] = args;
  if (args.length !== 1 || path === "") {
    showHelp();
    return 2;
  }
  const config = await load(path);
  const destination = openLogDestination(STDOUT);
  const logger = createLogger({ format: config.logFormat, level: config.logLevel, destination });
  try {
    await serveGateway(config, { logger, signal });
  } finally {
    await destination.close();
  }
  return 0;
}

async function load(path: string): Promise<GatewayConfig> {
  try {
    return await loadGatewayConfig(path);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CommandError(error.message, 1);
  }
}
