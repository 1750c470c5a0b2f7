import { mkdirSync, readdirSync, renameSync, utimesSync } from "node:fs";
import { join } from "node:path";

/** Empty folders that are kept. */
const SPARE_FOLDERS_MAX = 64;

/** Nobody else looks into what is being made. */
const MODE = 0o700;

/**
 * Empty folders of one file system that are moved to where one is needed, and back: to make and to
 * remove one costs the file system ten times as much, and waits for the disk.
 *
 * Those that another process has left are taken over. Several processes may use the same place.
 */
export class SpareFolders {
  readonly #place: string;
  #names: string[] | undefined;
  #count = 0;

  /** @param place where they are kept; made when the first one comes */
  constructor(place: string) {
    this.#place = place;
  }

  /** Makes an empty folder at a path where there is none. Throws the errors of `mkdirSync`. */
  make(path: string): void {
    const name = this.#load().pop();
    if (name === undefined || !this.#take(join(this.#place, name), path)) {
      mkdirSync(path, { mode: MODE });
    }
  }

  /** Takes an empty folder away, to be kept; false if it wasn't, so that it has to be removed. */
  keep(path: string): boolean {
    const names = this.#load();
    if (names.length >= SPARE_FOLDERS_MAX) return false;
    const name = `${process.pid}-${this.#count++}`;
    if (!this.#move(path, join(this.#place, name))) return false;
    names.push(name);
    return true;
  }

  #take(spare: string, path: string): boolean {
    try {
      // Somebody may have put a file into it that belonged to its old place.
      if (readdirSync(spare).length > 0) return false;
      // Folders that look old are removed.
      const now = Date.now() / 1000;
      utimesSync(spare, now, now);
      renameSync(spare, path);
      return true;
    } catch {
      // It is gone, or can't be there: that shows when one is made.
      return false;
    }
  }

  #move(path: string, spare: string): boolean {
    try {
      renameSync(path, spare);
      return true;
    } catch {
      return false;
    }
  }

  #load(): string[] {
    if (this.#names !== undefined) return this.#names;
    try {
      mkdirSync(this.#place, { recursive: true, mode: 0o755 });
      this.#names = readdirSync(this.#place);
    } catch {
      this.#names = [];
    }
    return this.#names;
  }
}
