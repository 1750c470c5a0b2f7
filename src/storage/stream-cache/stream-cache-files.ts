/*
 * The files of streams that are kept, below the directory of a cache:
 *
 *   <two hexadecimal digits>/<random id of the process>-<number>
 *
 * Names mean nothing: nobody finds a stream again after a restart. Several processes may share a
 * directory, and what one has left behind, another removes when it is old enough.
 */
import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { findStats, forEachFile } from "../file/for-each-file.ts";

/** Over how many folders the files are spread. */
const FOLDER_COUNT = 256;

/** What was found and removed when all files were looked at. */
export interface SweepResult {
  readonly removedCount: number;
  /** The size of what stays. */
  readonly bytes: number;
}

/** Makes the files of one cache, and removes those that nobody needs any more. */
export class StreamCacheFiles {
  readonly directory: string;
  readonly #id = randomBytes(10).toString("hex");
  #count = 0;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Where the next file goes, which isn't there before. */
  nextPath(): string {
    this.#count += 1;
    const folder = (this.#count % FOLDER_COUNT).toString(16).padStart(2, "0");
    return join(this.directory, folder, `${this.#id}-${this.#count}`);
  }

  /** Makes a file and the folders above it. */
  async create(path: string): Promise<FileHandle> {
    await mkdir(join(path, ".."), { recursive: true });
    return open(path, "wx", 0o600);
  }

  /** Removes a file. Who reads it may go on. */
  async remove(path: string): Promise<void> {
    await rm(path, { force: true });
  }

  /**
   * Removes the files that haven't been written to since `cutoffMs`. Folders stay, since somebody
   * may be about to put a file there, and there are only so many.
   */
  async sweep(cutoffMs: number, signal: AbortSignal): Promise<SweepResult> {
    const old: string[] = [];
    let bytes = 0;
    const visit = (path: string): void => {
      const stats = findStats(path);
      if (stats === undefined) return;
      if (stats.mtimeMs < cutoffMs) old.push(path);
      else bytes += stats.size;
    };
    await forEachFile(this.directory, visit, signal);
    for (const path of old) await rm(bytesFromBinary(path), { force: true });
    return { removedCount: old.length, bytes };
  }
}
