import type { Terminal } from "./command.ts";

/**
 * The process's own streams and environment. SIGINT and SIGTERM abort its signal, and end the
 * process as usual when they come a second time.
 */
export function processTerminal(): Terminal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => controller.abort());
  }
  return {
    stdin: process.stdin,
    stdout: (text) => {
      process.stdout.write(text);
    },
    stderr: (text) => {
      process.stderr.write(text);
    },
    environment: process.env,
    signal: controller.signal,
    now: () => new Date(),
  };
}
