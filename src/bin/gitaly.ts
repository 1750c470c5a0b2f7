import { once } from "node:events";
import { checkInternalApi } from "../app/access/open-internal-api.ts";
import { gitalyProgram } from "../app/cli/gitaly-program.ts";
import { processTerminal } from "../app/cli/process-terminal.ts";
import { runProgram } from "../app/cli/run-program.ts";
import type { OpenLogger, ServeOptions } from "../app/cli/serve-command.ts";
import type { Config } from "../app/config/config.ts";
import { programVersion } from "../app/program-version.ts";
import { startServer } from "../app/start-server.ts";
import { createLogger } from "../base/log/create-logger.ts";
import { openLogDestination } from "../base/log/log-destination.ts";

const STDOUT = 1;

const version: string = programVersion();

process.exitCode = await runProgram(
  gitalyProgram({ version, openLogger, serve, checkInternalApi }),
  `Gitaly, version ${version}`,
  process.argv.slice(2),
  processTerminal(),
);

function openLogger({ logging: { format, level } }: Config): OpenLogger {
  const destination = openLogDestination(STDOUT);
  const logger = createLogger({ format, level, destination, fields: { pid: process.pid } });
  return { logger, [Symbol.asyncDispose]: () => destination.close() };
}

async function serve(config: Config, options: ServeOptions): Promise<void> {
  // A mistake in one call is no reason to end all the others.
  process.on("unhandledRejection", (error) =>
    options.logger.error("unhandled rejection", { error }),
  );
  await using server = await startServer(config, options);
  if (!options.signal.aborted) await once(options.signal, "abort");
  await server.close();
}
