import * as fs from "node:fs";
import type { ObjectFormat } from "../../oid/oid.ts";
import { type FileVersion, fileVersion, isUnchanged } from "../file-version.ts";
import { KeptValue } from "../kept-value.ts";
import { CorruptRefStoreError, UnreadableRefStoreError } from "../ref-store-error.ts";
import { FileBytes, MemoryBytes } from "./byte-source.ts";
import { Reftable } from "./reftable.ts";

/** Up to this size a table is read as a whole; larger ones are opened by each call. */
const CACHED_BYTES_MAX = 1_048_576;

/** Compaction keeps stacks short: git's tables grow in size from newest to oldest. */
const TABLES_MAX = 4096;

/** How often a stack that is compacted while it is opened is tried again. */
const ATTEMPTS_MAX = 100;

const NO_NAMES: readonly string[] = [];

/** Names of tables as git writes them; nothing else may be read. */
const TABLE_NAME = /^[0-9A-Za-z][0-9A-Za-z._-]*\.ref$/;

/** The tables of a stack, oldest first, until they are disposed of. */
export interface OpenReftables extends Disposable {
  readonly tables: readonly Reftable[];
}

interface Listing {
  readonly version: FileVersion;
  readonly names: readonly string[];
}

/**
 * The reftables of one repository: the file tables.list names those that count, one a line, oldest
 * first. Tables never change; another stack is a new tables.list.
 */
export class ReftableStack {
  readonly #directory: string;
  readonly #format: ObjectFormat;
  readonly #nowMs: () => number;
  #listing: Listing | undefined;
  #cached: ReadonlyMap<string, KeptValue<Reftable>> = new Map();

  /** `directory` holds tables.list. */
  constructor(directory: string, format: ObjectFormat, nowMs: () => number) {
    this.#directory = directory;
    this.#format = format;
    this.#nowMs = nowMs;
  }

  /** Opens the tables that count now. Throws a CorruptRefStoreError when there is a damaged one. */
  open(): OpenReftables {
    let missing: readonly string[] | undefined;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const names = this.#names();
      if (names === missing) break;
      const open = this.#openTables(names);
      if (open !== undefined) return open;
      // Tables vanish when they are compacted, but not before the list has changed.
      missing = names;
    }
    throw new CorruptRefStoreError("reftable is missing");
  }

  /** What tells the present stack from all others: no name is used for two tables. */
  version(): string {
    return this.#names().join();
  }

  /** The same array as long as the list's content hasn't changed. */
  #names(): readonly string[] {
    const path = `${this.#directory}/tables.list`;
    try {
      const stats = fs.statSync(path, { throwIfNoEntry: false });
      // Without a list there are no tables yet.
      if (stats === undefined) return NO_NAMES;
      if (this.#listing !== undefined && isUnchanged(this.#listing.version, stats)) {
        return this.#listing.names;
      }
      const nowMs = this.#nowMs();
      const list = readList(path);
      const known = this.#listing?.names ?? NO_NAMES;
      const names = parseList(list.text);
      const isSame = names.join() === known.join();
      this.#listing = {
        version: fileVersion(list.stats, nowMs),
        names: isSame ? known : names,
      };
      return this.#listing.names;
    } catch (error) {
      if (error instanceof CorruptRefStoreError) throw error;
      throw new UnreadableRefStoreError(path, error);
    }
  }

  /** Opens all tables, or returns undefined when one has vanished. */
  #openTables(names: readonly string[]): OpenReftables | undefined {
    const files: number[] = [];
    const closeAll = (): void => {
      for (const file of files) fs.closeSync(file);
    };
    const cached = new Map<string, KeptValue<Reftable>>();
    const tables: Reftable[] = [];
    let isComplete = false;
    try {
      for (const name of names) {
        const kept = this.#cached.get(name);
        const known = kept?.get();
        const table = known ?? this.#openTable(name, files, cached);
        if (table === undefined) return undefined;
        if (kept !== undefined && known !== undefined) cached.set(name, kept);
        tables.push(table);
      }
      this.#cached = cached;
      isComplete = true;
      return { tables, [Symbol.dispose]: closeAll };
    } finally {
      if (!isComplete) closeAll();
    }
  }

  #openTable(
    name: string,
    files: number[],
    cached: Map<string, KeptValue<Reftable>>,
  ): Reftable | undefined {
    const path = `${this.#directory}/${name}`;
    const file = openExisting(path);
    if (file === undefined) return undefined;
    files.push(file);
    const { size } = fs.fstatSync(file);
    if (size > CACHED_BYTES_MAX) return new Reftable(new FileBytes(file, size), this.#format);
    const bytes = new FileBytes(file, size).read(0, size);
    files.pop();
    fs.closeSync(file);
    const table = new Reftable(new MemoryBytes(bytes), this.#format);
    cached.set(name, new KeptValue(table, size));
    return table;
  }
}

function openExisting(path: string): number | undefined {
  try {
    return fs.openSync(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new UnreadableRefStoreError(path, error);
  }
}

function readList(path: string): { stats: fs.Stats; text: string } {
  const file = fs.openSync(path, "r");
  try {
    const stats = fs.fstatSync(file);
    return { stats, text: fs.readFileSync(file, "latin1") };
  } finally {
    fs.closeSync(file);
  }
}

function parseList(text: string): readonly string[] {
  const names = text.split("\n").filter((name) => name !== "");
  if (names.length > TABLES_MAX || !names.every((name) => TABLE_NAME.test(name))) {
    throw new CorruptRefStoreError("list of reftables is damaged");
  }
  return names;
}
