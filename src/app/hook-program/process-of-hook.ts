import { writeTo } from "../../base/stream/write-to.ts";
import type { HookProcess } from "./hook-process.ts";

/** Set by the launcher, which is what git has really started. */
const NAME_VARIABLE = "GITALY_INVOKED_AS";

/** The process that runs this program, as a hook sees it. */
export function processOfHook(): HookProcess {
  const { stdin, stdout, stderr } = process;
  // Whoever writes learns of it.
  for (const stream of [stdout, stderr]) stream.on("error", () => undefined);
  return {
    name: process.env[NAME_VARIABLE] ?? process.argv[1] ?? "",
    args: process.argv.slice(2),
    environment: process.env,
    stdin,
    stdout: (chunk) => writeTo(stdout, chunk),
    stderr: (chunk) => writeTo(stderr, chunk),
  };
}
