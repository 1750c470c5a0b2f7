import {
  closeSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  openSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { encodeLooseObject, writeLooseObject } from "../../git/object/loose-encoding.ts";
import { hashObject } from "../../git/object/object-hash.ts";
import type { ObjectType } from "../../git/object/object-type.ts";
import type { ObjectFormat, Oid } from "../../git/oid/oid.ts";

/** Content up to this size is encoded at once: about 20 ms per megabyte. */
const SMALL_BYTES_MAX = 256 * 1024;

/** Mode of an object's file, before the umask. */
const FILE_MODE = 0o444;

/**
 * Writes loose objects into the object directory of a quarantine.
 *
 * Files get their names at once, as nobody reads a quarantine whose writer has failed. They are
 * synced when the quarantine is migrated, not before; see `Quarantine`.
 */
export class ObjectWriter {
  readonly #directory: string;
  readonly format: ObjectFormat;
  readonly #isThere: (oid: Oid) => boolean;
  readonly #written = new Set<string>();

  /**
   * @param directory where objects are written to
   * @param isThere whether an object need not be written since the repository has it, and will keep it
   */
  constructor(directory: string, format: ObjectFormat, isThere: (oid: Oid) => boolean) {
    this.#directory = directory;
    this.format = format;
    this.#isThere = isThere;
  }

  /** Paths of the files that were written and not synced. */
  get written(): ReadonlySet<string> {
    return this.#written;
  }

  /** Writes an object and tells its id. An object that is there already isn't written again. */
  async write(type: ObjectType, content: Uint8Array): Promise<Oid> {
    if (content.length > SMALL_BYTES_MAX) return this.writeStream(type, content.length, [content]);
    const oid = hashObject(type, content, this.format);
    if (this.#isThere(oid)) return oid;
    const path = this.#place(oid);
    // Also when a git process has written it to the same place.
    if (existsSync(path)) return oid;
    const file = openSync(path, "wx", FILE_MODE);
    try {
      const data = encodeLooseObject(type, content);
      for (let start = 0; start < data.length; ) start += writeSync(file, data, start);
    } finally {
      closeSync(file);
    }
    this.#written.add(path);
    return oid;
  }

  /** As `write`, for content of a known size that comes in pieces. */
  async writeStream(
    type: ObjectType,
    size: number,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<Oid> {
    const temporary = join(this.#directory, `tmp_obj_${this.#written.size}`);
    try {
      const file = createWriteStream(temporary, { flags: "wx", mode: FILE_MODE });
      const oid = await writeLooseObject(type, size, content, this.format, file);
      if (this.#isThere(oid)) return oid;
      const path = this.#place(oid);
      await rename(temporary, path);
      this.#written.add(path);
      return oid;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** Removes everything that is in the directory, also what a write that failed has left. */
  async discard(): Promise<void> {
    this.#written.clear();
    for (const name of await readdir(this.#directory)) {
      await rm(join(this.#directory, name), { recursive: true, force: true });
    }
  }

  #place(oid: Oid): string {
    const path = join(this.#directory, oid.slice(0, 2), oid.slice(2));
    mkdirSync(dirname(path), { recursive: true });
    return path;
  }
}

/**
 * Protects an object from being pruned as one that nobody needs, by making its file look new.
 *
 * @param path the file that holds the object, maybe among others
 * @returns false when it can't be, so that the object has to be written again
 */
export function freshen(path: string): boolean {
  const now = Date.now() / 1000;
  try {
    utimesSync(path, now, now);
    return true;
  } catch {
    return false;
  }
}
