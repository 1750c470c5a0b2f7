import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { type HelperProgram, nodeHelperProgram } from "../gitcmd/spawn/helper-program.ts";
import { startHelperSpawner } from "../gitcmd/spawn/helper-spawner.ts";
import type { ProcessSpawner } from "../gitcmd/spawn/process-spawner.ts";
import { temporaryDirectory } from "./git-repository.ts";

export type HelperKind = "compiled" | "node";

/** The process helpers that this machine can have. */
export const HELPER_KINDS: readonly HelperKind[] = hasCompiler() ? ["compiled", "node"] : ["node"];

/** The helper of one kind; the compiled one is made from the source as it stands. */
export function helperProgram(t: TestContext, kind: HelperKind): HelperProgram {
  if (kind === "node") return nodeHelperProgram();
  const program = join(temporaryDirectory(t), "spawn-helper");
  const source = join(import.meta.dirname, "../../native/spawn-helper.c");
  execFileSync("cc", ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-o", program, source]);
  return [program];
}

/** A spawner that ends, with all of its processes, when the test does. */
export async function startTestSpawner(
  t: TestContext,
  program: HelperProgram,
): Promise<ProcessSpawner> {
  const spawner = await startHelperSpawner({ runtimeDirectory: temporaryDirectory(t), program });
  t.after(() => spawner[Symbol.asyncDispose]());
  return spawner;
}

/** Does a process of this id run? One that nobody has waited for yet doesn't count. */
export function isRunning(pid: number): boolean {
  try {
    const state = execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "latin1" });
    return !state.startsWith("Z");
  } catch {
    return false;
  }
}

/** Waits for something that no event tells of. The limit of the test is the limit. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await wait(5);
}

function hasCompiler(): boolean {
  const folders = (process.env["PATH"] ?? "").split(":");
  return folders.some((folder) => existsSync(join(folder, "cc")));
}
