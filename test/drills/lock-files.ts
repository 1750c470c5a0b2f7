import { pathsBelow } from "../../src/testing/paths-below.ts";

/** Paths of the lock files below a folder, relative to it. */
export function lockFiles(folder: string): string[] {
  return pathsBelow(folder).filter((name) => name.endsWith(".lock"));
}
