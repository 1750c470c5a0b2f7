import { runSshProgram } from "../app/ssh-program/ssh-program.ts";

const { argv, env: environment, stdin, stdout, stderr } = process;
// Whoever writes learns of it.
for (const stream of [stdout, stderr]) stream.on("error", () => undefined);
process.exitCode = await runSshProgram({
  args: argv.slice(2),
  environment,
  stdin,
  stdout,
  stderr,
});
// Git may keep the other end of our input open.
stdin.destroy();
