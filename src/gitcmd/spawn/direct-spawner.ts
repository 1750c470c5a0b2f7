import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Duplex, Readable } from "node:stream";
import { GitSpawnError } from "../git-runner.ts";
import {
  type ProcessSpawner,
  type SpawnExit,
  type SpawnedProcess,
  type SpawnRequest,
  STDERR_COLLECTED_BYTES_MAX,
} from "./process-spawner.ts";

const NO_USAGE: SpawnExit["usage"] = {
  userMicroseconds: 0,
  systemMicroseconds: 0,
  maxRssKilobytes: 0,
  minorPageFaults: 0,
  majorPageFaults: 0,
  blocksRead: 0,
  blocksWritten: 0,
  voluntarySwitches: 0,
  involuntarySwitches: 0,
};

/** Forks the program's own process: for short-lived tools, never for the server. */
export const directSpawner: ProcessSpawner = {
  spawn: spawnDirectly,
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

async function spawnDirectly(request: SpawnRequest): Promise<SpawnedProcess> {
  const args = request.args.map((arg) =>
    typeof arg === "string" ? arg : Buffer.from(arg).toString(),
  );
  const child = spawn(request.program, args, {
    cwd: request.cwd,
    env: Object.fromEntries(request.env.map((pair) => splitPair(pair))),
    detached: true,
    stdio: [
      request.stdin === "null" ? "ignore" : "pipe",
      "pipe",
      "pipe",
      request.channel ? "pipe" : "ignore",
    ],
  });
  try {
    await once(child, "spawn");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "UNKNOWN";
    throw new GitSpawnError("starting process", code, { cause });
  }
  const pid = child.pid ?? 0;
  const { stdin, stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("pipes are missing");
  for (const stream of [stdin, stdout, stderr]) stream?.on("error", () => undefined);
  const collected = request.stderr === "collect" ? collect(stderr) : () => Buffer.alloc(0);
  const exited = Promise.withResolvers<SpawnExit>();
  child.once("exit", (code, signal) => {
    exited.resolve({
      exitCode: code ?? -1,
      signal: signal ?? undefined,
      stderr: collected(),
      usage: NO_USAGE,
    });
  });
  const kill = (signal: NodeJS.Signals) => killGroup(pid, signal);
  return {
    pid,
    stdin: stdin ?? undefined,
    stdout,
    stderr: request.stderr === "stream" ? stderr : undefined,
    channel: request.channel ? (child.stdio[3] as unknown as Duplex) : undefined,
    exited: exited.promise,
    kill,
    cancel: (graceMs) => {
      kill("SIGTERM");
      setTimeout(kill, graceMs, "SIGKILL").unref();
    },
  };
}

function collect(stderr: Readable): () => Buffer {
  const chunks: Buffer[] = [];
  stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).subarray(0, STDERR_COLLECTED_BYTES_MAX);
}

function splitPair(pair: string): [string, string] {
  const at = pair.indexOf("=");
  return [pair.slice(0, at), pair.slice(at + 1)];
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Already gone.
  }
}
