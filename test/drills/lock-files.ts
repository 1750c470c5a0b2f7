import { readdirSync } from "node:fs";

/** Paths of the lock files below a folder, relative to it. */
export function lockFiles(folder: string): string[] {
  const names = readdirSync(folder, { encoding: "utf8", recursive: true });
  return names.filter((name) => name.endsWith(".lock"));
}
