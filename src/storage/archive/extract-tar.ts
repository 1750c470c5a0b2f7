import { constants, lstatSync } from "node:fs";
import { link, lstat, mkdir, open, rm, symlink } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import { bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";
import { readTar, type TarEntry, TarError } from "./tar-reader.ts";

/** Directories that the archive doesn't mention. */
const DIRECTORY_MODE = 0o700;

const PERMISSIONS = 0o777;

export interface ExtractOptions {
  readonly signal: AbortSignal;
  /** Only this name and what is below it is unpacked. Default: everything. */
  readonly only?: string;
  /** Whether links may name absolute paths: only for archives that an operator has made. */
  readonly absoluteLinks?: boolean;
}

/**
 * Unpacks a tar archive into a directory, which nothing in the archive can lead out of.
 *
 * Permissions are those of the archive as far as the process's umask leaves them. Entries that are
 * neither file, directory nor link are passed over. Throws a TarError, and what `source` throws;
 * then some of the entries may be there.
 */
export async function extractTar(
  source: AsyncIterable<Uint8Array>,
  directory: string,
  options: ExtractOptions,
): Promise<void> {
  const { signal, only } = options;
  for await (const entry of readTar(source)) {
    signal.throwIfAborted();
    const name = textFromBinary(entry.name);
    if (only !== undefined && name !== only && !name.startsWith(`${only}/`)) continue;
    const path = inside(directory, name, "invalid file path in tar");
    refuseLinkedParents(directory, path, name);
    try {
      await extractEntry(entry, directory, path, options);
    } catch (error) {
      if (error instanceof DomainError || signal.aborted) throw error;
      throw new TarError(`extracting ${name}: ${systemErrorText(error)}`);
    }
  }
}

async function extractEntry(
  entry: TarEntry,
  directory: string,
  path: string,
  { signal, absoluteLinks = false }: ExtractOptions,
): Promise<void> {
  const mode = entry.mode & PERMISSIONS;
  const linkName = textFromBinary(entry.linkName);
  switch (entry.type) {
    case "directory":
      await mkdir(path, { recursive: true, mode: mode | 0o700 });
      return;
    case "file":
      await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
      return writeContent(entry, path, signal);
    case "symlink":
      if (linkName.startsWith("/") && !absoluteLinks) {
        throw new TarError(
          `absolute symlink not allowed: ${textFromBinary(entry.name)} -> ${linkName}`,
        );
      }
      await rm(path, { force: true });
      return symlink(bytesFromBinary(entry.linkName), path);
    case "hard-link": {
      const target = inside(directory, linkName, "invalid hard link target");
      refuseLinkedParents(directory, target, linkName);
      if (!(await lstat(target)).isFile()) {
        throw new TarError(`invalid hard link target: ${linkName}`);
      }
      await rm(path, { force: true });
      return link(target, path);
    }
    case "other":
      return;
  }
}

async function writeContent(entry: TarEntry, path: string, signal: AbortSignal): Promise<void> {
  const { O_CREAT, O_WRONLY, O_TRUNC, O_NOFOLLOW } = constants;
  const mode = entry.mode & PERMISSIONS;
  const file = await open(path, O_CREAT | O_WRONLY | O_TRUNC | O_NOFOLLOW, mode);
  try {
    for await (const piece of entry.content) {
      signal.throwIfAborted();
      await file.writeFile(piece);
    }
  } finally {
    await file.close();
  }
}

function inside(directory: string, name: string, problem: string): string {
  const path = join(directory, name).replace(/(?<=.)\/$/, "");
  if (path === directory || path.startsWith(directory + sep)) return path;
  throw new TarError(`${problem}: ${name}`);
}

/** An archive could first make a link, then write through it. */
function refuseLinkedParents(directory: string, path: string, name: string): void {
  for (let parent = dirname(path); parent.length > directory.length; parent = dirname(parent)) {
    if (lstatSync(parent, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
      throw new TarError(`invalid file path in tar: ${name}`);
    }
  }
}
