import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A program and its arguments; the path of the helper's socket follows them. */
export type HelperProgram = readonly [program: string, ...args: readonly string[]];

/** The helper that the set-up has compiled. */
export const COMPILED_HELPER_PATH: string = fileURLToPath(
  new URL("../../../dist/native/spawn-helper", import.meta.url),
);

/** The compiled helper where there is one, else the one in Node, which costs more for each start. */
export function findHelperProgram(compiledPath: string = COMPILED_HELPER_PATH): HelperProgram {
  return existsSync(compiledPath) ? [compiledPath] : nodeHelperProgram();
}

/** The helper in Node. */
export function nodeHelperProgram(): HelperProgram {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const script = new URL(`./node-spawn-helper.${extension}`, import.meta.url);
  return [process.execPath, fileURLToPath(script)];
}
