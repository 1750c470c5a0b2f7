import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * Paths of files and folders below a folder, relative to it, while others change what is in it:
 * `readdir` with its option `recursive` fails when a folder goes away between being seen and being
 * read. Those of folders end in a slash.
 */
export function pathsBelow(folder: string): string[] {
  const paths: string[] = [];
  const visit = (inner: string): void => {
    for (const entry of entriesOf(join(folder, inner))) {
      const path = `${inner}${entry.name}${entry.isDirectory() ? "/" : ""}`;
      paths.push(path);
      if (entry.isDirectory()) visit(path);
    }
  };
  visit("");
  return paths;
}

/** None of a folder that is gone by now. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
