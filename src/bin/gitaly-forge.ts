import { processTerminal } from "../app/cli/process-terminal.ts";
import { runProgram } from "../app/cli/run-program.ts";
import { forgeProgram } from "../app/forge/forge-program.ts";
import { programVersion } from "../app/program-version.ts";

process.exitCode = await runProgram(
  forgeProgram,
  `gitaly-forge, version ${programVersion()}`,
  process.argv.slice(2),
  processTerminal(),
);
