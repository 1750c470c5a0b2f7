import { readFileSync, statSync } from "node:fs";
import { isMissing } from "../error/system-error-text.ts";

/**
 * Reads a file; undefined when there is none. Throws what the file system throws otherwise.
 *
 * Made for files that hardly ever exist: to look first costs a fraction of an error.
 */
export function readIfThere(path: string): Buffer | undefined {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
