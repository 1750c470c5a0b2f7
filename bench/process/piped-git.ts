import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PlainGit } from "./plain-git.ts";

/** What came through the pipe, how long it took, and what git and its children have used. */
export interface PipedRun {
  readonly bytes: number;
  readonly wallMs: number;
  readonly cpuMicroseconds: number;
}

/** Counts what comes through the pipe; tells what git has used on descriptor 3. */
const SCRIPT = `git=$1 input=$2; shift 2; { "$git" "$@" <"$input"; times >&3; } | wc -c`;

/** Runs git on its own, its output through a pipe into a program that counts the bytes. */
export async function runPiped(
  git: PlainGit,
  args: readonly string[],
  input: Uint8Array,
  environment: Readonly<Record<string, string>> = {},
): Promise<PipedRun> {
  const folder = await mkdtemp(join(tmpdir(), "bench-pipe-"));
  try {
    const inputPath = join(folder, "input");
    await writeFile(inputPath, input);
    const startMs = performance.now();
    const child = spawn("sh", ["-c", SCRIPT, "sh", git.path, inputPath, ...args], {
      env: { PATH: process.env["PATH"], ...environment },
      stdio: ["ignore", "pipe", "inherit", "pipe"],
    });
    const exited = once(child, "exit");
    const outputs = Promise.all([collect(child.stdout), collect(child.stdio[3])]);
    const [count, times] = await outputs;
    const wallMs = performance.now() - startMs;
    await exited;
    return { bytes: Number(count), wallMs, cpuMicroseconds: parseTimes(times) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The second line that a shell's `times` prints: user and system time of its children. */
export function parseTimes(text: string): number {
  const line = text.split("\n")[1] ?? "";
  const match = /^(\d+)m([\d.]+)s (\d+)m([\d.]+)s$/.exec(line.trim());
  if (match === null) throw new Error(`not what times prints: ${text}`);
  const [userMinutes = 0, user = 0, systemMinutes = 0, system = 0] = match.slice(1).map(Number);
  return Math.round(((userMinutes + systemMinutes) * 60 + user + system) * 1e6);
}

async function collect(stream: unknown): Promise<string> {
  if (typeof stream !== "object" || stream === null || !(Symbol.asyncIterator in stream)) {
    throw new Error("a stream of the shell is missing");
  }
  let text = "";
  for await (const chunk of stream as AsyncIterable<Buffer>) text += chunk.toString("latin1");
  return text;
}
