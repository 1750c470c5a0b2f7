import { processTerminal } from "../app/cli/process-terminal.ts";
import { runProgram } from "../app/cli/run-program.ts";
import { gatewayProgram } from "../app/gateway/gateway-program.ts";
import { programVersion } from "../app/program-version.ts";

process.exitCode = await runProgram(
  gatewayProgram,
  `gitaly-gateway, version ${programVersion()}`,
  process.argv.slice(2),
  processTerminal(),
);
