import { realpathSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Oid } from "../oid/oid.ts";
import type { CachedContent } from "../pack/reader-resources.ts";
import type { ObjectType } from "./object-type.ts";

/** Content that one directory's objects may have together. */
const HELD_BYTES_MAX = 1024 * 1024;

/** Objects that are held for one directory. */
const HELD_OBJECTS_MAX = 1000;

/** All that hold something in this process, by the names of their directories. */
const HOLDERS = new Map<string, HeldObjects>();

/**
 * Objects that are meant for an object directory, and stay in memory until somebody has to find
 * them there: file systems are slow to make directories and files, and to remove them.
 *
 * Readers of this process find them as loose objects of the directory. Before anybody else gets to
 * know the directory, `settleObjects` has to be called.
 */
export class HeldObjects implements Disposable {
  /** Absolute path of the directory; it doesn't exist before `settle`. See also `isNameHeld`. */
  readonly directory: string;
  readonly #settle: (objects: ReadonlyMap<Oid, CachedContent>) => void;
  readonly #objects = new Map<Oid, CachedContent>();
  #bytes = 0;
  #isSettled = false;

  /** @param settle makes the directory, and writes the objects to it */
  constructor(directory: string, settle: (objects: ReadonlyMap<Oid, CachedContent>) => void) {
    this.directory = directory;
    this.#settle = settle;
    HOLDERS.set(basename(directory), this);
  }

  /** Whether the directory is there. Then nothing is held any more. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** What is held now. */
  get objects(): ReadonlyMap<Oid, CachedContent> {
    return this.#objects;
  }

  /** Holds an object. False when it has to be written: there is no room, or the directory is used. */
  add(oid: Oid, type: ObjectType, content: Uint8Array): boolean {
    if (this.#isSettled || this.#objects.size >= HELD_OBJECTS_MAX) return false;
    if (this.#bytes + content.length > HELD_BYTES_MAX) return false;
    if (this.#objects.has(oid)) return true;
    // A copy, since the memory may be a small part of something large, or be used again.
    this.#objects.set(oid, { type, content: Buffer.from(content) });
    this.#bytes += content.length;
    return true;
  }

  /** Drops an object, as it is somewhere else. */
  delete(oid: Oid): void {
    this.#bytes -= this.#objects.get(oid)?.content.length ?? 0;
    this.#objects.delete(oid);
  }

  /** Writes everything to the directory, which exists afterwards. Throws what file systems throw. */
  settle(): void {
    if (this.#isSettled) return;
    this.#settle(this.#objects);
    this.#isSettled = true;
    this.clear();
  }

  /** Drops what is held. */
  clear(): void {
    this.#objects.clear();
    this.#bytes = 0;
  }

  [Symbol.dispose](): void {
    this.clear();
    HOLDERS.delete(basename(this.directory));
  }
}

/** Whether something is held for a directory of the same name, wherever it is. */
export function isNameHeld(directory: string): boolean {
  return HOLDERS.has(basename(directory));
}

/** What is held for an object directory, however its path is spelled. */
export function heldObjectsOf(directory: string): HeldObjects | undefined {
  const held = HOLDERS.get(basename(directory));
  if (held === undefined || held.directory === directory) return held;
  const isSame = realPath(dirname(held.directory)) === realPath(dirname(directory));
  return isSame ? held : undefined;
}

/** Puts what is held for an object directory into it, for those who don't read in this process. */
export function settleObjects(directory: string): void {
  heldObjectsOf(directory)?.settle();
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
