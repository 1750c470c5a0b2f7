import { constants, lstatSync } from "node:fs";
import { chmod, link, lstat, mkdir, open, rm, symlink } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import { bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";
import { readTar, type TarEntry, TarError } from "./tar-reader.ts";

/** Directories that the archive doesn't mention. */
const DIRECTORY_MODE = 0o700;

const PERMISSIONS = 0o7777;

/**
 * Unpacks a tar archive into a directory, which nothing in the archive can lead out of.
 *
 * Entries that are neither file, directory nor link are passed over. Throws a TarError, and what
 * `source` throws; then some of the entries may be there.
 */
export async function extractTar(
  source: AsyncIterable<Uint8Array>,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  for await (const entry of readTar(source)) {
    signal.throwIfAborted();
    const name = textFromBinary(entry.name);
    const path = inside(directory, name, "invalid file path in tar");
    refuseLinkedParents(directory, path, name);
    try {
      await extractEntry(entry, directory, path, signal);
    } catch (error) {
      if (error instanceof TarError || signal.aborted) throw error;
      throw new TarError(`extracting ${name}: ${systemErrorText(error)}`);
    }
  }
}

async function extractEntry(
  entry: TarEntry,
  directory: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const mode = entry.mode & PERMISSIONS;
  const linkName = textFromBinary(entry.linkName);
  switch (entry.type) {
    case "directory":
      await mkdir(path, { recursive: true, mode });
      if (path !== directory) await chmod(path, mode);
      return;
    case "file":
      await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
      return writeContent(entry, path, signal);
    case "symlink":
      if (linkName.startsWith("/")) {
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
  const file = await open(path, O_CREAT | O_WRONLY | O_TRUNC | O_NOFOLLOW, mode | 0o200);
  try {
    for await (const piece of entry.content) {
      signal.throwIfAborted();
      await file.writeFile(piece);
    }
    await file.chmod(mode);
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
