import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, opendir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { isMissing } from "../../base/error/system-error-text.ts";
import { syncPath } from "../file/sync.ts";
import { type BackupSink, BlobMissingError, type StoredBlob } from "./backup-sink.ts";
import { escapeBlobName, unescapeBlobName } from "./blob-name.ts";

/** What the umask makes of these is what other programs that share the folder expect. */
const DIRECTORY_MODE = 0o777;
const FILE_MODE = 0o666;
/** Nobody else needs to look into a folder that is made for backups. */
const ROOT_MODE = 0o700;
const PIECE_BYTES = 128 << 10;
const TEMPORARY = /\.[0-9a-f]{16}\.tmp$/;

/**
 * Keeps backups in files below a folder, under the names that Go CDK's file driver gives them: each
 * blob's name is its path, with what could lead out of the folder escaped.
 */
export class FolderSink implements BackupSink {
  readonly #root: string;

  /** @param root absolute path; it need not exist yet */
  constructor(root: string) {
    this.#root = root;
  }

  async write(path: string, pieces: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const target = this.#pathOf(path);
    await makeFolder(this.#root, ROOT_MODE);
    await makeFolder(dirname(target), DIRECTORY_MODE);
    const temporary = `${target}.${randomBytes(8).toString("hex")}.tmp`;
    try {
      await writePieces(temporary, pieces, signal);
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true });
      signal.throwIfAborted();
      throw error;
    }
    await syncPath(dirname(target));
  }

  async *read(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    await using file = await openFile(this.#pathOf(path), path);
    while (true) {
      signal.throwIfAborted();
      const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(PIECE_BYTES) });
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /** Whether there is a blob of that name. */
  async exists(path: string): Promise<boolean> {
    try {
      return (await stat(this.#pathOf(path))).isFile();
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  async *list(folder: string, signal: AbortSignal): AsyncGenerator<StoredBlob, void, undefined> {
    for await (const file of filesBelow(this.#pathOf(folder), signal)) {
      if (TEMPORARY.test(file)) continue;
      const { mtimeNs } = await stat(file, { bigint: true });
      yield { path: unescapeBlobName(relative(this.#root, file)), modifiedNs: mtimeNs };
    }
  }

  #pathOf(path: string): string {
    return join(this.#root, escapeBlobName(path, ESCAPED));
  }
}

/** Node's own way never ends where nobody can make a folder although there is its parent: /proc. */
async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (isPresent(error)) return;
    const parent = dirname(path);
    if (!isMissing(error) || parent === path) throw error;
    await makeFolder(parent, mode);
    await mkdir(path, { mode }).catch((again: unknown) => {
      if (!isPresent(again)) throw again;
    });
  }
}

function isPresent(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}

async function writePieces(
  path: string,
  pieces: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  await using file = await open(path, "wx", FILE_MODE);
  for await (const piece of pieces) {
    signal.throwIfAborted();
    await file.writev([piece]);
  }
  signal.throwIfAborted();
  await file.sync();
}

async function openFile(file: string, path: string): Promise<FileHandle> {
  try {
    const opened = await open(file, "r");
    if ((await opened.stat()).isFile()) return opened;
    await opened.close();
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  throw new BlobMissingError(path);
}

/** Paths of all files below a folder, which need not exist. */
async function* filesBelow(
  folder: string,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  try {
    for await (const entry of await opendir(folder)) {
      signal.throwIfAborted();
      const path = join(folder, entry.name);
      if (entry.isDirectory()) yield* filesBelow(path, signal);
      else if (entry.isFile()) yield path;
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Control characters, and slashes behind `..` or another slash, or at the end. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const ESCAPED = /[\0-\x1f]|(?<=\.\.)\/|(?<=\/)\/|\/$/g;
