import { binaryFromText, isAscii } from "./binary-string.ts";

/**
 * The path of the file that holds a loose reference, for `node:fs`.
 *
 * Paths are bytes; only names in ASCII can be joined to the directory's path as text.
 */
export function refPath(directory: string, name: string): string | Buffer {
  const relative = withoutMainWorktree(name);
  if (isAscii(relative)) return `${directory}/${relative}`;
  return Buffer.from(`${binaryFromText(directory)}/${relative}`, "latin1");
}

/** In a repository without worktrees `main-worktree/HEAD` is HEAD (gitrepository-layout). */
export function withoutMainWorktree(name: string): string {
  if (!name.startsWith("main-worktree/")) return name;
  const bare = name.slice("main-worktree/".length);
  return isPerWorktree(bare) ? bare : name;
}

function isPerWorktree(name: string): boolean {
  return /^(?:[A-Z_-]*$|refs\/(?:bisect|rewritten|worktree)\/)/.test(name);
}
