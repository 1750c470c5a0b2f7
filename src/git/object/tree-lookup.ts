import type { ObjectFormat } from "../oid/oid.ts";
import { CorruptObjectError } from "./object-error.ts";
import {
  findTreeEntry,
  isTreeMode,
  TreeCursor,
  type TreeEntry,
  type TreeMatch,
} from "./tree-object.ts";

/** Trees with fewer bytes are walked through faster than an index is found. */
const INDEXED_BYTES_MIN = 1024;

const SLASH = 0x2f;

/** Where each entry of a tree begins. */
type TreeIndex = Uint32Array;

/** A name in some bytes, and what stands behind it in the order of trees: a slash for a folder. */
interface Name {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly ending: number;
}

/**
 * Finds entries in trees that are looked into again and again, such as a repository's top folder.
 *
 * The second time, a large tree gets an index, which lives as long as the content does in the
 * memory of whoever keeps it.
 */
export class TreeLookup {
  readonly #format: ObjectFormat;
  readonly #indexes = new WeakMap<Buffer, TreeIndex | "seen" | "none">();

  constructor(format: ObjectFormat) {
    this.#format = format;
  }

  /** As `findTreeEntry`. Throws `CorruptObjectError`. */
  find(content: Buffer, path: Uint8Array, start = 0): TreeMatch | undefined {
    const index = this.#indexOf(content);
    if (index === undefined) return findTreeEntry(content, path, start, this.#format);
    const slash = path.indexOf(SLASH, start);
    const end = slash < 0 ? path.length : slash;
    const entry = this.#search(content, index, path, start, end);
    if (entry === undefined || (end < path.length && !isTreeMode(entry.mode))) return undefined;
    return { entry, rest: Math.min(end + 1, path.length) };
  }

  /** Finds the entry of a name wherever it stands. Throws `CorruptObjectError`. */
  findName(content: Buffer, name: Buffer): TreeEntry | undefined {
    const index = this.#indexOf(content);
    if (index !== undefined) return this.#search(content, index, name, 0, name.length);
    const cursor = new TreeCursor(content, this.#format);
    while (cursor.next()) {
      const isAsLong = cursor.nameEnd - cursor.nameStart === name.length;
      if (isAsLong && cursor.compareWith(name, 0) === 0) return entryAt(cursor);
    }
    return undefined;
  }

  /** A file of the name goes before a folder of the same name, as in the tree. */
  #search(
    content: Buffer,
    index: TreeIndex,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): TreeEntry | undefined {
    const cursor = new TreeCursor(content, this.#format);
    for (const ending of [0, SLASH]) {
      if (search(cursor, index, { bytes, start, end, ending })) return entryAt(cursor);
    }
    return undefined;
  }

  #indexOf(content: Buffer): TreeIndex | undefined {
    if (content.length < INDEXED_BYTES_MIN) return undefined;
    const known = this.#indexes.get(content);
    if (known === undefined) this.#indexes.set(content, "seen");
    if (known !== "seen") return known === "none" ? undefined : known;
    const made = indexTree(content, this.#format);
    this.#indexes.set(content, made ?? "none");
    return made;
  }
}

/** Undefined for a tree that isn't in order, or is damaged: what is found there depends on the way. */
function indexTree(content: Buffer, format: ObjectFormat): TreeIndex | undefined {
  const cursor = new TreeCursor(content, format);
  const offsets: number[] = [];
  let last: Name | undefined;
  try {
    for (let offset = 0; cursor.next(); offset = cursor.end) {
      const name = nameAt(cursor);
      if (cursor.name.includes(SLASH)) return undefined;
      if (last !== undefined && compareNames(last, name) >= 0) return undefined;
      offsets.push(offset);
      last = name;
    }
  } catch (error) {
    // Who walks through it as far as needed may never come to the damage.
    if (error instanceof CorruptObjectError) return undefined;
    throw error;
  }
  return Uint32Array.from(offsets);
}

/** Moves the cursor to the entry of a name, and tells whether there is one. */
function search(cursor: TreeCursor, index: TreeIndex, wanted: Name): boolean {
  let [low, high] = [0, index.length - 1];
  while (low <= high) {
    const middle = (low + high) >>> 1;
    cursor.moveTo(index[middle] ?? 0);
    cursor.next();
    const order = compareNames(wanted, nameAt(cursor));
    if (order === 0) return true;
    if (order < 0) high = middle - 1;
    else low = middle + 1;
  }
  return false;
}

/** As `compareTreeNames`. Names hold neither slash nor NUL, so that only equal ones are equal. */
function compareNames(a: Name, b: Name): number {
  const common = Math.min(a.end - a.start, b.end - b.start);
  for (let i = 0; i < common; i++) {
    const difference = (a.bytes[a.start + i] ?? 0) - (b.bytes[b.start + i] ?? 0);
    if (difference !== 0) return difference;
  }
  return byteBehind(a, common) - byteBehind(b, common);
}

function byteBehind({ bytes, start, end, ending }: Name, length: number): number {
  return start + length < end ? (bytes[start + length] ?? 0) : ending;
}

function nameAt({ content: bytes, nameStart: start, nameEnd: end, mode }: TreeCursor): Name {
  return { bytes, start, end, ending: isTreeMode(mode) ? SLASH : 0 };
}

function entryAt({ mode, name, oid }: TreeCursor): TreeEntry {
  return { mode, name, oid };
}
