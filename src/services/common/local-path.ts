import { posix } from "node:path";

/**
 * Tells whether a path stays in the folder that it is relative to, judged by its letters alone. The
 * empty path is in no folder.
 */
export function isLocalPath(path: string): boolean {
  if (path === "" || posix.isAbsolute(path)) return false;
  const shortest = posix.normalize(path);
  return shortest !== ".." && !shortest.startsWith("../");
}
