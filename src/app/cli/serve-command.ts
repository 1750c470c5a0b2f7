import type { Logger } from "../../base/log/logger.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { findProblems } from "../config/find-problems.ts";
import { loadConfigFile, loadFailureText } from "../config/load-config.ts";
import { problemText } from "../config/problem.ts";
import { settingsWithoutEffect } from "../config/settings-without-effect.ts";
import { type Command, CommandError, type Invocation } from "./command.ts";

export interface ServeOptions {
  readonly logger: Logger;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborted when the server is to stop. */
  readonly signal: AbortSignal;
}

/** A logger whose lines are all written once this is disposed of. */
export interface OpenLogger extends AsyncDisposable {
  readonly logger: Logger;
}

/** What the command needs from the rest of the program. */
export interface ServeNeeds {
  readonly version: string;
  /** Throws an error with a message for the operator when format or level are unknown. */
  readonly openLogger: (config: Config) => OpenLogger;
  /** Runs the server until `options.signal` is aborted and the last call has ended. */
  readonly serve: (config: Config, options: ServeOptions) => Promise<void>;
}

/** `gitaly serve`: runs the server until it is told to stop. */
export function serveCommand(needs: ServeNeeds): Command {
  return {
    name: "serve",
    usage: "launch the server daemon",
    usageText: `gitaly serve <gitaly_config_file>

Example: gitaly serve gitaly.config.toml`,
    description: "Runs the server until it is told to stop.",
    run: (invocation) => runServer(invocation, needs),
  };
}

/** Serves with the configuration file that is the only argument. */
export async function runServer(invocation: Invocation, needs: ServeNeeds): Promise<number> {
  const { args, environment, signal, showHelp } = invocation;
  const [path = ""] = args;
  if (args.length !== 1 || path === "") {
    showHelp();
    return 2;
  }
  const config = await load(path, signal);
  await using log = openLogger(config, needs);
  const { logger } = log;
  warn(config, path, logger);
  logger.info("Starting Gitaly", { version: needs.version });
  try {
    await needs.serve(config, { logger, environment, signal });
  } catch (error) {
    logger.error("unclean Gitaly shutdown", { error });
    return 1;
  }
  logger.info("Gitaly shutdown");
  return 0;
}

async function load(path: string, signal: AbortSignal): Promise<Config> {
  try {
    return await loadConfigFile(path, signal);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CommandError(`failed to configure Gitaly: ${loadFailureText(path, error)}`, 1);
  }
}

function openLogger(config: Config, { openLogger }: ServeNeeds): OpenLogger {
  try {
    return openLogger(config);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `configuring logger failed: configuring logger: ${reason}`;
    throw new CommandError(`failed to configure Gitaly: ${message}`, 1);
  }
}

function warn(config: Config, path: string, logger: Logger): void {
  const problems = findProblems(config).map(problemText);
  if (problems.length > 0) {
    logger.info("configuration has problems; see 'gitaly configuration validate'", {
      config_path: path,
      problems,
    });
  }
  const settings = settingsWithoutEffect(config);
  if (settings.length > 0) logger.warn("some settings have no effect here", { settings });
  if (config.auth.transitioning && config.auth.resolvedToken !== "") {
    logger.warn("authentication is not enforced while transitioning is set");
  }
}
