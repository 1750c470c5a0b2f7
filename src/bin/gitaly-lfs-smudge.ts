import { runLfsSmudgeProgram } from "../app/lfs-smudge-program/lfs-smudge-program.ts";

const { env: environment, stdin, stdout, stderr } = process;
// Whoever writes learns of it.
for (const stream of [stdout, stderr]) stream.on("error", () => undefined);
process.exitCode = await runLfsSmudgeProgram({ environment, stdin, stdout, stderr });
