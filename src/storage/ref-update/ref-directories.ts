import * as fs from "node:fs";
import { refPath } from "../../git/ref/ref-path.ts";
import { systemErrorCode } from "./system-error-code.ts";

/**
 * Makes the directories above a reference's file. Throws the errors of the operating system:
 * `ENOTDIR` or `EEXIST` when a file is in the way, `ENOENT` when somebody removes them just now.
 */
export function makeParents(directory: string, name: string): void {
  const slash = name.lastIndexOf("/");
  if (slash < 0) return;
  const parent = name.slice(0, slash);
  try {
    fs.mkdirSync(refPath(directory, parent));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" && parent.includes("/")) {
      makeParents(directory, parent);
      makeDirectory(refPath(directory, parent));
    } else if (code !== "EEXIST") {
      throw error;
    }
  }
}

function makeDirectory(path: string | Buffer): void {
  try {
    fs.mkdirSync(path);
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
  }
}

/**
 * Removes a directory that holds nothing but such directories; false when it holds anything else.
 * What others do there at the same time is no error.
 */
export function removeEmptyDirectories(directory: string, name: string): boolean {
  const path = refPath(directory, name);
  try {
    for (const child of fs.readdirSync(path, { withFileTypes: true, encoding: "buffer" })) {
      if (!child.isDirectory()) return false;
      if (!removeEmptyDirectories(directory, `${name}/${child.name.toString("latin1")}`)) {
        return false;
      }
    }
    fs.rmdirSync(path);
    return true;
  } catch (error) {
    return systemErrorCode(error) === "ENOENT";
  }
}

/** As many components have the directories that git never removes, such as `refs/heads`. */
const KEPT_DEPTH = 2;

/** Removes a directory and those above it that are empty, but neither `refs` nor one right in it. */
export function removeEmptyUpwards(directory: string, folder: string): void {
  const components = folder.split("/");
  for (let depth = components.length; depth > KEPT_DEPTH; depth--) {
    try {
      fs.rmdirSync(refPath(directory, components.slice(0, depth).join("/")));
    } catch {
      // It isn't empty, or gone.
      return;
    }
  }
}
