import { type Stats, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { isMissing } from "../../base/error/system-error-text.ts";
import { binaryFromText, bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";

/** How deep alternates nest at most. */
const NESTING_MAX = 5;

/** Directories at most, far beyond any real repository. */
const DIRECTORIES_MAX = 1000;

/** The alternates of a repository can't be read, or aren't where they may be. */
export class AlternatesError extends DomainError {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super("internal", message, options);
  }
}

/**
 * Lists the object directories that a repository borrows objects from, in the order of its alternates
 * files; one that doesn't exist is left out. Throws an AlternatesError, also when one is outside of
 * the storage.
 *
 * @returns binary strings
 */
export async function alternateDirectories(
  repositoryPath: string,
  storagePath: string,
): Promise<string[]> {
  const found: string[] = [];
  try {
    await addDirectories(found, binaryFromText(`${repositoryPath}/objects`), {
      prefix: binaryFromText(`${storagePath}/`),
      depth: 0,
    });
  } catch (error) {
    if (error instanceof AlternatesError) throw error;
    throw new AlternatesError("alternates can't be read", { cause: error });
  }
  return found.slice(1);
}

async function addDirectories(
  found: string[],
  path: string,
  { prefix, depth }: { readonly prefix: string; readonly depth: number },
): Promise<void> {
  if (depth > NESTING_MAX || found.length >= DIRECTORIES_MAX) return;
  if (findStats(path)?.isDirectory() !== true) return;
  found.push(path);
  for (const line of await readLines(`${path}/info/alternates`)) {
    if (line === "" || line.startsWith("#")) continue;
    const next = line.startsWith("/") ? line : posix.join(path, line);
    if (!next.startsWith(prefix)) {
      throw new AlternatesError(`alternate "${textFromBinary(next)}" is outside the storage root`);
    }
    await addDirectories(found, next, { prefix, depth: depth + 1 });
  }
}

function findStats(path: string): Stats | undefined {
  return statSync(bytesFromBinary(path), { throwIfNoEntry: false });
}

async function readLines(path: string): Promise<string[]> {
  try {
    return (await readFile(bytesFromBinary(path), "latin1")).split("\n");
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
