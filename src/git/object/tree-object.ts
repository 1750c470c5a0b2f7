import { type ObjectFormat, OID_BYTES, type Oid } from "../oid/oid.ts";
import { indexOfNear } from "./byte-text.ts";
import { CorruptObjectError } from "./object-error.ts";
import type { ObjectType } from "./object-type.ts";
import { oidAt } from "./oid-bytes.ts";

const SPACE = 0x20;
const SLASH = 0x2f;
const DIGIT_0 = 0x30;
const DIGIT_7 = 0x37;

const MODE_TYPE = 0o170000;
const MODE_TREE = 0o040000;
const MODE_REGULAR = 0o100000;
const MODE_SYMLINK = 0o120000;
const MODE_SUBMODULE = 0o160000;

/** One line of a tree. */
export interface TreeEntry {
  /** As it stands in the tree; old trees have modes like 0o100664. See `canonicalMode`. */
  readonly mode: number;
  /** A view into the tree's content. */
  readonly name: Buffer;
  readonly oid: Oid;
}

/** The mode that git shows and compares: a file's permissions are 0o644 or 0o755 only. */
export function canonicalMode(mode: number): number {
  switch (mode & MODE_TYPE) {
    case MODE_REGULAR:
      return MODE_REGULAR | ((mode & 0o100) === 0 ? 0o644 : 0o755);
    case MODE_SYMLINK:
      return MODE_SYMLINK;
    case MODE_TREE:
      return MODE_TREE;
    default:
      return MODE_SUBMODULE;
  }
}

/** Type of the object that an entry with this mode names; a submodule names a commit. */
export function objectTypeOfMode(mode: number): ObjectType {
  switch (canonicalMode(mode)) {
    case MODE_TREE:
      return "tree";
    case MODE_SUBMODULE:
      return "commit";
    default:
      return "blob";
  }
}

/** `true` when the entry is a folder. */
export function isTreeMode(mode: number): boolean {
  return (mode & MODE_TYPE) === MODE_TREE;
}

/**
 * Walks over a tree's entries without making an object for any of them.
 *
 * Call `next` until it returns `false`; in between, the fields describe the current entry.
 */
export class TreeCursor {
  readonly content: Buffer;
  readonly format: ObjectFormat;
  /** See `TreeEntry`. */
  mode = 0;
  nameStart = 0;
  nameEnd = 0;
  /** Bytes of an id; that of the current entry stands behind the byte at `nameEnd`. */
  readonly oidLength: number;
  #offset = 0;

  constructor(content: Buffer, format: ObjectFormat) {
    this.content = content;
    this.format = format;
    this.oidLength = OID_BYTES[format];
  }

  get name(): Buffer {
    return this.content.subarray(this.nameStart, this.nameEnd);
  }

  get oid(): Oid {
    return oidAt(this.content, this.nameEnd + 1, this.format);
  }

  /** Where the next entry begins. */
  get end(): number {
    return this.#offset;
  }

  /** Makes the entry that begins at `offset` the next one. */
  moveTo(offset: number): void {
    this.#offset = offset;
  }

  /** Steps to the next entry, if there is one. Throws `CorruptObjectError`. */
  next(): boolean {
    const { content } = this;
    if (this.#offset >= content.length) return false;
    this.nameStart = this.#parseMode(this.#offset);
    // Anything shorter than an id after the name makes the terminator's place invalid too.
    const nameEnd = indexOfNear(content, 0, this.nameStart);
    const end = nameEnd + 1 + this.oidLength;
    if (nameEnd < 0 || end > content.length) throw new CorruptObjectError("too-short tree object");
    if (nameEnd === this.nameStart) throw new CorruptObjectError("empty filename in tree entry");
    this.nameEnd = nameEnd;
    this.#offset = end;
    return true;
  }

  #parseMode(start: number): number {
    const { content } = this;
    let mode = 0;
    let offset = start;
    for (;;) {
      const byte = content[offset++] ?? 0;
      if (byte === SPACE) break;
      if (byte < DIGIT_0 || byte > DIGIT_7) {
        throw new CorruptObjectError("malformed mode in tree entry");
      }
      mode = ((mode << 3) + byte - DIGIT_0) & 0xffff;
    }
    if (offset === start + 1) throw new CorruptObjectError("malformed mode in tree entry");
    this.mode = mode;
    return offset;
  }

  /**
   * Compares the first bytes of `path` after `start` with the current name: the sign tells their
   * order, 0 that the path begins with the name.
   */
  compareWith(path: Uint8Array, start: number): number {
    const { content, nameStart, nameEnd } = this;
    for (let i = nameStart, j = start; i < nameEnd; i++, j++) {
      const difference = (path[j] ?? 0) - (content[i] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  }
}

/** Walks over a tree's entries as objects. Throws `CorruptObjectError`. */
export function* treeEntries(content: Buffer, format: ObjectFormat): IterableIterator<TreeEntry> {
  const cursor = new TreeCursor(content, format);
  while (cursor.next()) yield { mode: cursor.mode, name: cursor.name, oid: cursor.oid };
}

/** What stands in a tree under the first part of a path. */
export interface TreeMatch {
  readonly entry: TreeEntry;
  /** Offset in the path where the part after the next slash begins; its length when none is left. */
  readonly rest: number;
}

/**
 * Finds the entry for the first part of `path` after `start`.
 *
 * Searches as git does: entries are taken to be in order, a file in the place of a folder ends
 * the search, and one slash after a folder's name is ignored. Throws `CorruptObjectError`.
 */
export function findTreeEntry(
  content: Buffer,
  path: Uint8Array,
  start: number,
  format: ObjectFormat,
): TreeMatch | undefined {
  const cursor = new TreeCursor(content, format);
  const pathLength = path.length - start;
  while (cursor.next()) {
    const nameLength = cursor.nameEnd - cursor.nameStart;
    if (nameLength > pathLength) continue;
    const order = cursor.compareWith(path, start);
    if (order > 0) continue;
    if (order < 0) return undefined;
    const isWhole = nameLength === pathLength;
    if (!isWhole && path[start + nameLength] !== SLASH) continue;
    if (!isWhole && !isTreeMode(cursor.mode)) return undefined;
    const entry = { mode: cursor.mode, name: cursor.name, oid: cursor.oid };
    return { entry, rest: Math.min(start + nameLength + 1, path.length) };
  }
  return undefined;
}

/**
 * Encodes a tree. Entries have to be in git's order (`compareTreeNames`), each name once, without
 * slash or NUL; modes are written as given.
 */
export function encodeTree(entries: Iterable<TreeEntry>): Buffer {
  const parts: Buffer[] = [];
  for (const { mode, name, oid } of entries) {
    parts.push(Buffer.from(`${mode.toString(8)} `, "latin1"), name, NUL, Buffer.from(oid, "hex"));
  }
  return Buffer.concat(parts);
}

const NUL = Buffer.alloc(1);

/** Orders two entries as trees do: by bytes, a folder's name as if a slash ended it. */
export function compareTreeNames(
  a: Pick<TreeEntry, "mode" | "name">,
  b: Pick<TreeEntry, "mode" | "name">,
): number {
  const common = Math.min(a.name.length, b.name.length);
  const order = a.name.compare(b.name, 0, common, 0, common);
  if (order !== 0) return order;
  return byteAfter(a, common) - byteAfter(b, common);
}

function byteAfter(entry: Pick<TreeEntry, "mode" | "name">, offset: number): number {
  return entry.name[offset] ?? (isTreeMode(entry.mode) ? SLASH : 0);
}
