import { backupProgram } from "../app/backup-program/backup-program.ts";
import { processTerminal } from "../app/cli/process-terminal.ts";
import { runProgram } from "../app/cli/run-program.ts";
import { programVersion } from "../app/program-version.ts";
import { createLogger } from "../base/log/create-logger.ts";
import { openLogDestination } from "../base/log/log-destination.ts";

const STDOUT = 1;

process.exitCode = await runProgram(
  backupProgram({ openLogger, now: new Date() }),
  `Gitaly Backup, version ${programVersion()}`,
  process.argv.slice(2),
  processTerminal(),
);
// Whoever wrote our input may keep it open.
process.stdin.destroy();

function openLogger() {
  const destination = openLogDestination(STDOUT);
  const fields = { pid: process.pid };
  const logger = createLogger({ format: "json", level: "info", destination, fields });
  return { logger, [Symbol.asyncDispose]: () => destination.close() };
}
