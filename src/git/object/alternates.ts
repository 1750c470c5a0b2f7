import { realpathSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { readIfThere } from "../../base/file/read-if-there.ts";

/** An alternates file isn't read beyond this. */
const ALTERNATES_BYTES_MAX = 1024 * 1024;

/** Alternates of alternates are followed to this depth, as by git. */
const NESTING_MAX = 5;

/** Object directories that one repository reads from, far beyond any real one. */
const DIRECTORIES_MAX = 1000;

/**
 * Lists the object directories that belong to `primary`, itself first: `extra` ones, then those in
 * its alternates file, each with its own alternates.
 *
 * As for git, one that doesn't exist or comes twice is left out, and so are the alternates of an
 * alternate six levels away.
 */
export function listObjectDirectories(primary: string, extra: readonly string[] = []): string[] {
  const directories = [primary];
  const known = new Set([primary, realPath(primary) ?? primary]);
  const add = (path: string, depth: number): void => {
    if (known.has(path) || directories.length >= DIRECTORIES_MAX || !isDirectory(path)) return;
    known.add(path);
    directories.push(path);
    if (depth >= NESTING_MAX) return;
    for (const nested of readAlternates(path)) add(nested, depth + 1);
  };
  const first = [...extra.flatMap((path) => realPath(path) ?? []), ...readAlternates(primary)];
  for (const path of first) add(path, 0);
  return directories;
}

/** Where an object directory lists its alternates. */
export function alternatesPath(objectDirectory: string): string {
  return join(objectDirectory, "info", "alternates");
}

/** The object directories that a directory's alternates file names, with symbolic links resolved. */
function readAlternates(objectDirectory: string): string[] {
  const text = readIfThere(alternatesPath(objectDirectory));
  if (text === undefined) return [];
  const lines = text.toString("latin1", 0, ALTERNATES_BYTES_MAX);
  return lines.split("\n").flatMap((line) => {
    const path = line.startsWith("#") ? "" : unquote(line);
    if (path === "") return [];
    // Paths are bytes; Node takes them as UTF-8, so other bytes can't be followed.
    const utf8 = Buffer.from(path, "latin1").toString("utf8");
    const base = isAbsolute(utf8) ? "" : (realPath(objectDirectory) ?? objectDirectory);
    return realPath(join(base, utf8)) ?? [];
  });
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** Takes a path out of C-style quotes; one that isn't quoted properly is meant literally. */
function unquote(line: string): string {
  const quoted = /^"((?:[^"\\]|\\[abfnrtv"\\]|\\[0-3][0-7]{2})*)"/.exec(line)?.[1];
  if (quoted === undefined) return line;
  return quoted.replaceAll(/\\([0-7]{3}|.)/g, (_, escaped: string) => {
    if (escaped.length === 3) return String.fromCharCode(Number.parseInt(escaped, 8));
    return ESCAPES[escaped] ?? escaped;
  });
}

function realPath(path: string): string | undefined {
  // A quarantine hardly ever is; to look costs a fraction of an error.
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  try {
    return realpathSync.native(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isMissing(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return ["ENOENT", "ENOTDIR", "ELOOP"].includes(String(error.code));
}
