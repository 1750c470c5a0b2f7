import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { readRepositoryConfig } from "./repository-config.ts";

/** A symbolic reference below `refs/`, or an object id, whatever follows. */
const HEAD_CONTENT = /^(?:ref:\s*refs\/|[0-9a-fA-F]{40})/;

/**
 * Whether git takes the directory at `path`, which has passed the locator, for a bare repository:
 * one whose HEAD makes sense and whose configuration says so.
 */
export function isBareRepository(path: string): boolean {
  const head = join(path, "HEAD");
  if (!(readLink(head)?.startsWith("refs/") ?? HEAD_CONTENT.test(readHead(head)))) return false;
  return readRepositoryConfig(path).getBoolean("core.bare") === true;
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function readHead(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
