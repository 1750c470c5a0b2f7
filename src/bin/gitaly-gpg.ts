import { runGpgProgram } from "../app/gpg-program/gpg-program.ts";

const { argv, env: environment, stdin, stdout, stderr } = process;
// Whoever writes learns of it.
for (const stream of [stdout, stderr]) stream.on("error", () => undefined);
process.exitCode = await runGpgProgram({
  args: argv.slice(2),
  environment,
  stdin,
  stdout,
  stderr,
});
