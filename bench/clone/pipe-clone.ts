import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PlainGit } from "../process/plain-git.ts";
import type { CloneRun } from "./clone-run.ts";

/** Counts what comes through the pipe; tells what git and its children have used on descriptor 3. */
const SCRIPT = `{ "$1" upload-pack --stateless-rpc "$2" <"$3"; times >&3; } | wc -c`;

/** `git upload-pack` on its own, its output through a pipe into a program that counts it. */
export async function clonePlainly(
  git: PlainGit,
  repositoryPath: string,
  request: Buffer,
): Promise<CloneRun> {
  const folder = await mkdtemp(join(tmpdir(), "bench-clone-"));
  try {
    const requestPath = join(folder, "request");
    await writeFile(requestPath, request);
    const startMs = performance.now();
    const child = spawn("sh", ["-c", SCRIPT, "sh", git.path, repositoryPath, requestPath], {
      env: { PATH: process.env["PATH"], GIT_PROTOCOL: "version=2" },
      stdio: ["ignore", "pipe", "inherit", "pipe"],
    });
    const outputs = [collect(child.stdout), collect(child.stdio[3])] as const;
    const exited = once(child, "exit");
    const [count, times] = await Promise.all(outputs);
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
