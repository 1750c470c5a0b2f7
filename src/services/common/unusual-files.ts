import { statSync } from "node:fs";

/** Whether a repository has one of these files or folders with something in it, or hides whether. */
export function hasUnusualFiles(path: string, names: readonly string[]): boolean {
  return names.some((name) => {
    try {
      const stats = statSync(`${path}/${name}`, { throwIfNoEntry: false });
      return stats !== undefined && stats.size > 0;
    } catch {
      return true;
    }
  });
}
