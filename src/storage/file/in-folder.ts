import { mkdirSync } from "node:fs";
import { isMissing } from "../../base/error/system-error-text.ts";

/** Does something in a folder that is there all but the first time, when it is made. */
export function inFolder<T>(folder: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!isMissing(error)) throw error;
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    return action();
  }
}
