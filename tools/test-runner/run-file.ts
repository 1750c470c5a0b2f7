/**
 * Runs one test file in a process of its own and tells what came of it.
 *
 * The file gets a fresh temporary directory. It fails, too, when it takes too long, when it leaves
 * processes or temporary files behind, or when it ends before its tests do.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, killAll, processesMarked } from "./processes.ts";
import type { Line, Outcome } from "./reporter.ts";

export type FileLimits = { readonly testMs: number; readonly fileMs: number };

export type FileResult = {
  readonly file: string;
  readonly passedCount: number;
  readonly failures: readonly Problem[];
  readonly skipped: readonly Problem[];
  readonly output: string;
  readonly durationMs: number;
};

export type Problem = { readonly name: string; readonly text: string };

type Exit = {
  readonly code: number | null;
  readonly signal: string | null;
  readonly late: boolean;
};

const OUTPUT_CHARACTERS_MAX = 20_000;
const LEAVE_TIME_MS = 2_000;

export async function runFile(
  file: string,
  scratch: string,
  limits: FileLimits,
  signal: AbortSignal,
): Promise<FileResult> {
  const start = performance.now();
  const temporary = join(scratch, "t");
  const lines = join(scratch, "lines");
  mkdirSync(temporary, { recursive: true });
  const child = startNode(file, temporary, lines, limits);
  const output = collectOutput(child);
  const exit = await waitForExit(child, limits.fileMs, signal);
  const running = await endLeftovers(child, temporary);
  const left = readdirSync(temporary);
  const { tests, unfinished } = readLines(lines);
  rmSync(scratch, { recursive: true, force: true });

  const leaves = tests.filter((test) => !test.inherited && (!test.suite || isFailure(test)));
  const failures = leaves
    .filter(isFailure)
    .map((test) => ({ name: test.name, text: test.failure ?? "" }));
  const skipped = leaves.flatMap(({ name, skip }) =>
    skip === undefined ? [] : [{ name, text: skip }],
  );
  const passedCount = leaves.length - failures.length - skipped.length;
  const problems = fileProblems({
    exit,
    limits,
    running,
    left,
    unfinished,
    testCount: tests.length,
  });
  if (exit.code !== 0 && failures.length + problems.length === 0) problems.push(exitText(exit));
  if (problems.length > 0)
    failures.push({ name: "the file as a whole", text: problems.join("\n") });
  return {
    file,
    passedCount,
    failures,
    skipped,
    output: output(),
    durationMs: performance.now() - start,
  };
}

function isFailure(test: Outcome): boolean {
  return test.failure !== undefined && test.skip === undefined;
}

function startNode(
  file: string,
  temporary: string,
  lines: string,
  limits: FileLimits,
): ChildProcess {
  const reporter = join(import.meta.dirname, "reporter.ts");
  const flags = [
    `--test-reporter=${reporter}`,
    `--test-reporter-destination=${lines}`,
    `--test-timeout=${limits.testMs}`,
  ];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  // A group of its own: whatever the tests start and forget can be found and ended with it.
  return spawn(process.execPath, [...flags, file], {
    detached: true,
    env: { ...env, TMPDIR: temporary },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function collectOutput(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-OUTPUT_CHARACTERS_MAX);
    });
  }
  return () => text.trimEnd();
}

/** Waits for the process, not for its pipes: a forgotten grandchild may hold those for ever. */
async function waitForExit(
  child: ChildProcess,
  limitMs: number,
  signal: AbortSignal,
): Promise<Exit> {
  const { promise, resolve } = Promise.withResolvers<Exit>();
  let late = false;
  const kill = () => killAll(groupOf(child));
  const timer = setTimeout(() => {
    late = true;
    kill();
  }, limitMs);
  signal.addEventListener("abort", kill);
  child.once("exit", (code, name) => resolve({ code, signal: name, late }));
  child.once("error", (error) => resolve({ code: null, signal: error.message, late }));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", kill);
  }
}

/** Names what still runs after a short while, and ends it. */
async function endLeftovers(child: ChildProcess, temporary: string): Promise<readonly string[]> {
  const group = groupOf(child);
  const deadline = performance.now() + LEAVE_TIME_MS;
  while (performance.now() < deadline) {
    if (!group.some(isAlive) && processesMarked(temporary).length === 0) return [];
    await sleep(50);
  }
  const left = processesMarked(temporary);
  killAll([...group, ...left.map(({ pid }) => pid)]);
  return left.length === 0 ? ["(unknown)"] : left.map(({ command }) => command);
}

/** The group's id as a signal takes it; nothing when the process could not be started. */
function groupOf({ pid }: ChildProcess): readonly number[] {
  return pid === undefined ? [] : [-pid];
}

function readLines(path: string): { tests: readonly Outcome[]; unfinished: readonly string[] } {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch {
    // The process ended before its first test: there is nothing to read.
  }
  const names = new Map<number, string>();
  const open = new Map<number, string>();
  const tests: Outcome[] = [];
  for (const json of text.split("\n").slice(0, -1)) {
    const line: Line = JSON.parse(json);
    names.set(line.id, line.name);
    if (line.type === "begin") {
      open.set(line.id, line.name);
    } else {
      open.delete(line.id);
      const parent = line.parent === undefined ? undefined : names.get(line.parent);
      tests.push(parent === undefined ? line : { ...line, name: `${parent} > ${line.name}` });
    }
  }
  return { tests, unfinished: [...open.values()] };
}

function fileProblems(seen: {
  readonly exit: Exit;
  readonly limits: FileLimits;
  readonly running: readonly string[];
  readonly left: readonly string[];
  readonly unfinished: readonly string[];
  readonly testCount: number;
}): string[] {
  const problems: string[] = [];
  if (seen.exit.late) problems.push(`ended after ${seen.limits.fileMs / 1000} s, its limit`);
  if (seen.unfinished.length > 0) problems.push(`did not finish: ${seen.unfinished.join(", ")}`);
  if (seen.running.length > 0) problems.push(`left running: ${seen.running.join("; ")}`);
  if (seen.left.length > 0)
    problems.push(`left in the temporary directory: ${seen.left.join(", ")}`);
  if (seen.testCount === 0) problems.push(`reported no test; ${exitText(seen.exit)}`);
  return problems;
}

function exitText({ code, signal }: Exit): string {
  return code === null ? `ended by ${signal ?? "an unknown cause"}` : `ended with status ${code}`;
}
