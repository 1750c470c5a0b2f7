/**
 * Runs every check that does not run the program, and tells at the end which ones failed.
 *
 * All of them run, whatever fails: who repairs one wants to know of the others.
 */
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";

type Check = { readonly name: string; readonly asks: string };

/** The names are those of the scripts in package.json. */
const CHECKS: readonly Check[] = [
  { name: "types", asks: "does it compile?" },
  { name: "style", asks: "is it formatted, does it follow the quick rules?" },
  { name: "lint", asks: "is every promise waited for, every switch complete?" },
  { name: "layers", asks: "do imports point down?" },
  { name: "unused", asks: "is everything used?" },
  { name: "tidy", asks: "is the rest of the house in order?" },
];

const root: string = join(import.meta.dirname, "..");

function main(): number {
  const failed = CHECKS.filter((check) => !passes(check)).map(({ name }) => name);
  if (failed.length === 0) return 0;
  console.log(`checks that failed: ${failed.join(", ")}`);
  return 1;
}

function passes({ name, asks }: Check): boolean {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync("npm", ["run", "--silent", name], {
    cwd: root,
    encoding: "utf8",
    // The pinned Node comes first, so that npm itself runs on it as well.
    env: {
      ...process.env,
      PATH: join(root, "node_modules/.bin") + delimiter + process.env["PATH"],
    },
    maxBuffer: 256 * 1024 * 1024,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${status === 0 ? "ok  " : "FAIL"} ${name}: ${asks} (${seconds} s)`);
  if (status !== 0) process.stdout.write(stdout + stderr);
  return status === 0;
}

process.exitCode = main();
