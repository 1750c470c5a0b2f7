import { commonLength } from "../object/common-length.ts";
import { isSameEntry, orderOfEntries } from "../object/tree-cursors.ts";
import { isTreeMode, TreeCursor } from "../object/tree-object.ts";
import type { ObjectFormat, Oid } from "../oid/oid.ts";

/** How a tree differs from another one. */
export interface TreeChanges {
  readonly table: TreeTable;
  /** `hashName` of each name under which something else stands, or something on one side only. */
  readonly names: readonly number[];
}

/**
 * A tree, and where its entries begin: trees of a history are mostly the same, entry for entry,
 * but for some ids.
 *
 * Methods throw `CorruptObjectError`.
 */
export class TreeTable {
  readonly #content: Buffer;
  readonly #format: ObjectFormat;
  /** In ascending order. */
  readonly #starts: readonly number[];

  private constructor(content: Buffer, format: ObjectFormat, starts: readonly number[]) {
    this.#content = content;
    this.#format = format;
    this.#starts = starts;
  }

  static parse(content: Buffer, format: ObjectFormat): TreeTable {
    const cursor = new TreeCursor(content, format);
    const starts: number[] = [];
    for (let start = 0; cursor.next(); start = cursor.end) starts.push(start);
    return new TreeTable(content, format, starts);
  }

  /** The id of the folder of this name; `undefined` when there is none, or a file. */
  folder(name: Buffer): Oid | undefined {
    const cursor = new TreeCursor(this.#content, this.#format);
    while (cursor.next()) {
      if (cursor.nameEnd - cursor.nameStart !== name.length) continue;
      if (cursor.compareWith(name, 0) === 0)
        return isTreeMode(cursor.mode) ? cursor.oid : undefined;
    }
    return undefined;
  }

  /** Tells what is different in another tree, which comes back as a table. */
  compare(content: Buffer): TreeChanges {
    return this.#compareIds(content) ?? this.#compareEntries(content);
  }

  /** For a tree that differs in ids only, which then stand at the same places. */
  #compareIds(content: Buffer): TreeChanges | undefined {
    if (content.length !== this.#content.length) return undefined;
    const cursor = new TreeCursor(this.#content, this.#format);
    const names: number[] = [];
    for (let at = 0; ; at = cursor.end) {
      at += commonLength(this.#content, at, content, at);
      if (at >= content.length) break;
      cursor.moveTo(this.#startBefore(at));
      cursor.next();
      if (at <= cursor.nameEnd) return undefined;
      names.push(nameOf(cursor));
    }
    return { table: new TreeTable(content, this.#format, this.#starts), names };
  }

  /** Names that aren't in the same order on both sides count as changed. */
  #compareEntries(content: Buffer): TreeChanges {
    const table = TreeTable.parse(content, this.#format);
    const [a, b] = [this.#content, content].map((each) => new TreeCursor(each, this.#format));
    const names: number[] = [];
    if (a === undefined || b === undefined) return { table, names };
    let hasA = a.next();
    let hasB = b.next();
    while (hasA || hasB) {
      const order = orderOfEntries(a, hasA, b, hasB);
      if (order !== 0 || !isSameEntry(a, b)) names.push(nameOf(order <= 0 ? a : b));
      if (order <= 0) hasA = a.next();
      if (order >= 0) hasB = b.next();
    }
    return { table, names };
  }

  /** Where the entry begins to which a byte belongs. */
  #startBefore(offset: number): number {
    let [low, high] = [0, this.#starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return this.#starts[low] ?? 0;
  }
}

/** A number for a name, the same for very few others: 32 bits. */
export function hashName(bytes: Buffer, start = 0, end: number = bytes.length): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  return hash;
}

function nameOf({ content, nameStart, nameEnd }: TreeCursor): number {
  return hashName(content, nameStart, nameEnd);
}
