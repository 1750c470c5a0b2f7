import { createWriteStream, existsSync, mkdirSync, utimesSync } from "node:fs";
import { readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HeldObjects } from "../../git/object/held-objects.ts";
import { writeLooseObject } from "../../git/object/loose-encoding.ts";
import { hashObject } from "../../git/object/object-hash.ts";
import type { ObjectType } from "../../git/object/object-type.ts";
import type { ObjectFormat, Oid } from "../../git/oid/oid.ts";
import { inFolder } from "../file/in-folder.ts";
import { LOOSE_OBJECT_MODE, writeLooseFile } from "./loose-file.ts";

/** Content up to this size is encoded at once: about 20 ms per megabyte. */
const SMALL_BYTES_MAX = 256 * 1024;

/**
 * Writes loose objects for the object directory of a quarantine.
 *
 * Small ones are held in memory as long as nobody else looks for them, see `HeldObjects`. Files get
 * their names at once, as nobody reads a quarantine whose writer has failed. They are synced when the
 * quarantine is migrated, not before; see `Quarantine`.
 */
export class ObjectWriter implements Disposable {
  readonly format: ObjectFormat;
  /** What isn't in the directory, which may not be there yet. */
  readonly held: HeldObjects;
  readonly #directory: string;
  readonly #isThere: (oid: Oid) => boolean;
  readonly #written = new Set<string>();
  #hasDirectory = false;

  /**
   * @param directory where objects are written to; made when it is needed
   * @param isThere whether an object need not be written since the repository has it, and will keep it
   */
  constructor(directory: string, format: ObjectFormat, isThere: (oid: Oid) => boolean) {
    this.#directory = directory;
    this.format = format;
    this.#isThere = isThere;
    this.held = new HeldObjects(directory, (objects) => {
      this.#makeDirectory();
      for (const [oid, { type, content }] of objects) this.#writeSmall(oid, type, content);
    });
  }

  /** Whether there is something to remove. */
  get hasDirectory(): boolean {
    return this.#hasDirectory;
  }

  /** Paths of the files that were written and not synced. */
  get written(): ReadonlySet<string> {
    return this.#written;
  }

  /** Notes that the files have found their place elsewhere. */
  forgetWritten(): void {
    this.#written.clear();
  }

  /** Writes an object and tells its id. An object that is there already isn't written again. */
  async write(type: ObjectType, content: Uint8Array): Promise<Oid> {
    if (content.length > SMALL_BYTES_MAX) return this.writeStream(type, content.length, [content]);
    const oid = hashObject(type, content, this.format);
    if (this.#isThere(oid) || this.held.add(oid, type, content)) return oid;
    this.held.settle();
    this.#writeSmall(oid, type, content);
    return oid;
  }

  /** As `write`, for content of a known size that comes in pieces. */
  async writeStream(
    type: ObjectType,
    size: number,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<Oid> {
    this.held.settle();
    const temporary = join(this.#directory, `tmp_obj_${this.#written.size}`);
    try {
      const file = createWriteStream(temporary, { flags: "wx", mode: LOOSE_OBJECT_MODE });
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
    this.held.clear();
    this.#written.clear();
    if (!this.#hasDirectory) return;
    for (const name of await readdir(this.#directory)) {
      await rm(join(this.#directory, name), { recursive: true, force: true });
    }
  }

  /** Ends the writing. What is in the directory stays there. */
  [Symbol.dispose](): void {
    this.held[Symbol.dispose]();
  }

  /** For its writer alone; it may be there when something else has failed. */
  #makeDirectory(): void {
    if (this.#hasDirectory) return;
    inFolder(dirname(this.#directory), () => mkdirSync(this.#directory, { mode: 0o700 }));
    this.#hasDirectory = true;
  }

  #writeSmall(oid: Oid, type: ObjectType, content: Uint8Array): void {
    const path = this.#place(oid);
    // Also when a git process has written it to the same place.
    if (existsSync(path)) return;
    writeLooseFile(path, type, content);
    this.#written.add(path);
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
