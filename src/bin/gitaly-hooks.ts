import { runHookProgram } from "../app/hook-program/hook-program.ts";
import { processOfHook } from "../app/hook-program/process-of-hook.ts";

process.exitCode = await runHookProgram(processOfHook());
// Git may keep the other end of our input open.
process.stdin.destroy();
