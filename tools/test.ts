/**
 * Runs the tests, from near to far: those beside the sources first, then test/.
 *
 *   node tools/test.ts [FILE or FOLDER]...
 *
 * One line for each file as it ends, the details of what failed, the reasons of what was skipped;
 * the last line says `N passed, N failed`, and the exit status agrees with it.
 */
import { existsSync, globSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, homedir, tmpdir } from "node:os";
import { delimiter, dirname, join, relative, resolve } from "node:path";
import { type FileLimits, type FileResult, type Problem, runFile } from "./test-runner/run-file.ts";

type Stage = { readonly patterns: readonly string[]; readonly limits: FileLimits };

const STAGES: readonly Stage[] = [
  {
    patterns: ["src/**/*.test.ts", "tools/**/*.test.ts", "bench/**/*.test.ts"],
    limits: { testMs: 180_000, fileMs: 600_000 },
  },
  { patterns: ["test/**/*.test.ts"], limits: { testMs: 300_000, fileMs: 900_000 } },
];

const root: string = join(import.meta.dirname, "..");

async function main(chosen: readonly string[]): Promise<number> {
  process.chdir(root);
  putGitFirst();
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(name, () => interrupted.abort());
  // Short, because the sockets of servers under test lie below it.
  const scratch = mkdtempSync(join(tmpdir(), "gts-"));
  // Each file loads the same sources again: with their types cut off once it takes half the time.
  process.env["NODE_COMPILE_CACHE"] = join(scratch, "compiled");
  const results: FileResult[] = [];
  try {
    for (const { patterns, limits } of STAGES) {
      const files = globSync([...patterns])
        .filter((file) => isChosen(file, chosen))
        .sort();
      results.push(...(await runAll(files, scratch, limits, interrupted.signal)));
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return summarise(results, interrupted.signal.aborted);
}

/** Tests call `git`: let them find the one that the set-up chose, see tools/setup/git.sh. */
function putGitFirst(): void {
  const { GITALY_TESTING_GIT_BINARY, XDG_CACHE_HOME, PATH } = process.env;
  const cache = XDG_CACHE_HOME ?? join(homedir(), ".cache");
  const git = GITALY_TESTING_GIT_BINARY ?? join(cache, "gitaly-ts/git/current/bin/git");
  if (existsSync(git)) process.env["PATH"] = dirname(git) + delimiter + PATH;
}

function isChosen(file: string, chosen: readonly string[]): boolean {
  if (chosen.length === 0) return true;
  return chosen.some((name) => {
    const path = relative(root, resolve(name));
    return path === "" || file === path || file.startsWith(`${path}/`);
  });
}

async function runAll(
  files: readonly string[],
  scratch: string,
  limits: FileLimits,
  signal: AbortSignal,
): Promise<readonly FileResult[]> {
  const waiting = [...files.entries()];
  const results: FileResult[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next && !signal.aborted; next = waiting.shift()) {
      const [index, file] = next;
      const result = await runFile(file, join(scratch, String(index)), limits, signal);
      results.push(result);
      printFile(result);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return results;
}

function printFile({ file, passedCount, failures, skipped, output, durationMs }: FileResult): void {
  const counts = [`${passedCount} passed`];
  if (failures.length > 0) counts.push(`${failures.length} failed`);
  if (skipped.length > 0) counts.push(`${skipped.length} skipped`);
  const verdict = failures.length > 0 ? "FAIL" : "ok  ";
  console.log(`${verdict} ${file}: ${counts.join(", ")} (${(durationMs / 1000).toFixed(1)} s)`);
  if (failures.length === 0) return;
  for (const { name, text } of failures) console.log(indent(`- ${name}\n${indent(text)}`));
  if (output !== "") console.log(indent(`output:\n${indent(output)}`));
}

function indent(text: string): string {
  return text.replace(/^/gm, "    ");
}

function summarise(results: readonly FileResult[], isInterrupted: boolean): number {
  const failed = listed(results, "failures");
  const skipped = listed(results, "skipped");
  if (skipped.length > 0) console.log("\nSkipped:");
  for (const { file, name, text } of skipped) console.log(`    ${file}: ${name}: ${text}`);
  if (failed.length > 0) console.log("\nFailed:");
  for (const { file, name } of failed) console.log(`    ${file}: ${name}`);
  if (isInterrupted) console.log("\nInterrupted.");
  const passedCount = results.reduce((sum, result) => sum + result.passedCount, 0);
  const tail = skipped.length > 0 ? `, ${skipped.length} skipped` : "";
  console.log(`\n${passedCount} passed, ${failed.length} failed${tail}`);
  return failed.length > 0 || passedCount === 0 || isInterrupted ? 1 : 0;
}

function listed(
  results: readonly FileResult[],
  kind: "failures" | "skipped",
): ReadonlyArray<Problem & { readonly file: string }> {
  return results.flatMap((result) =>
    result[kind].map((problem) => ({ file: result.file, ...problem })),
  );
}

process.exitCode = await main(process.argv.slice(2));
