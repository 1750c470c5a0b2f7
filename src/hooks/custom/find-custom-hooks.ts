import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import type { HookName } from "../context/hook-name.ts";
import { HookError } from "../hook-errors.ts";

/** The hooks that operators may add programs to. */
export type CustomHookName = Extract<HookName, "pre-receive" | "update" | "post-receive">;

/**
 * Finds the operator's programs for a hook, in the order in which they run:
 *
 * 1. `custom_hooks/NAME` in the repository
 * 2. `custom_hooks/NAME.d/` in the repository, by name
 * 3. `NAME.d/` in the server's own directory, by name
 *
 * Left out is what ends in a tilde, is a directory, or can't be executed. A directory that is there
 * but can't be read throws a HookError.
 *
 * @param globalDirectory the server's own directory; empty without one
 */
export function findCustomHooks(
  repositoryPath: string,
  globalDirectory: string,
  name: CustomHookName,
): string[] {
  const found = [];
  const folder = join(repositoryPath, "custom_hooks");
  // Few repositories have any: one look at the folder stands for two.
  if (exists(folder)) {
    const single = join(folder, name);
    if (isHook(single)) found.push(single);
    found.push(...hooksIn(join(folder, `${name}.d`)));
  }
  if (globalDirectory !== "") found.push(...hooksIn(join(globalDirectory, `${name}.d`)));
  return found;
}

function hooksIn(directory: string): string[] {
  if (!exists(directory)) return [];
  return readNames(directory)
    .map((name) => join(directory, name))
    .filter(isHook);
}

function readNames(directory: string): string[] {
  try {
    return readdirSync(directory).sort(compareBytes);
  } catch (cause) {
    throw new HookError(systemErrorText(cause).replace(/^scandir /, "open "), cause);
  }
}

function compareBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

function isHook(path: string): boolean {
  if (path.endsWith("~")) return false;
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || stats.isDirectory()) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
