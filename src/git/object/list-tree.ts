import { setImmediate as nextTurn } from "node:timers/promises";
import type { Oid } from "../oid/oid.ts";
import type { ObjectDatabase } from "./object-database.ts";
import { CorruptObjectError, ObjectNotFoundError, ObjectTooLargeError } from "./object-error.ts";
import type { GitObject } from "./object-type.ts";
import { canonicalMode, isTreeMode, TreeCursor } from "./tree-object.ts";

/** How deep folders nest at most; git's own limit (`core.maxTreeDepth`). */
export const TREE_DEPTH_MAX: number = 2048;

/** Entries that are looked at before others have their turn. */
const BATCH_ENTRIES = 1000;

/** What stands somewhere below a tree. */
export interface ListedEntry {
  /** As git shows it, see `canonicalMode`. */
  readonly mode: number;
  /** From the tree where the listing began. */
  readonly path: Buffer;
  readonly oid: Oid;
}

export interface ListTreeOptions {
  /** Descends into folders, as `git ls-tree -r`; else lists the tree itself alone. */
  readonly recursive?: boolean;
  /** Lists folders that it descends into as well, as `git ls-tree -r -t`. */
  readonly showTrees?: boolean;
  readonly signal: AbortSignal;
}

/**
 * Lists what stands in a tree, in git's order and in batches, as `git ls-tree` does.
 *
 * Folders are read as the batches are taken. Throws `ObjectNotFoundError` for a missing tree,
 * `CorruptObjectError` for a damaged one and for folders that nest too deeply, and the reason of
 * the signal, each after what was listed before it.
 */
export async function* listTree(
  objects: ObjectDatabase,
  root: Oid,
  options: ListTreeOptions,
): AsyncGenerator<readonly ListedEntry[], void, undefined> {
  const levels: Level[] = [{ cursor: await openTree(objects, root, options.signal), prefix: ROOT }];
  while (levels.length > 0) {
    const batch: ListedEntry[] = [];
    try {
      await fillBatch(batch, levels, objects, options);
    } catch (error) {
      if (batch.length > 0) yield batch;
      throw error;
    }
    if (batch.length > 0) yield batch;
    if (levels.length > 0) await nextTurn();
    options.signal.throwIfAborted();
  }
}

/** Lists entries until a batch is full or everything was listed. */
async function fillBatch(
  batch: ListedEntry[],
  levels: Level[],
  objects: ObjectDatabase,
  { recursive = false, showTrees = false, signal }: ListTreeOptions,
): Promise<void> {
  for (let steps = 0; steps < BATCH_ENTRIES; steps++) {
    const level = levels.at(-1);
    if (level === undefined) return;
    if (!level.cursor.next()) {
      levels.pop();
      continue;
    }
    const { mode, oid } = level.cursor;
    const descends = recursive && isTreeMode(mode);
    const path = pathOf(level, descends);
    if (!descends) batch.push({ mode: canonicalMode(mode), path, oid });
    else {
      if (showTrees) batch.push({ mode: canonicalMode(mode), path: path.subarray(0, -1), oid });
      if (levels.length > TREE_DEPTH_MAX) throw new CorruptObjectError("folders nest too deeply");
      levels.push({ cursor: await openTree(objects, oid, signal), prefix: path });
    }
  }
}

interface Level {
  readonly cursor: TreeCursor;
  /** Path of the folder with a slash at its end; nothing for the root. */
  readonly prefix: Buffer;
}

const ROOT = Buffer.alloc(0);
const SLASH = 0x2f;

/** The path of the current entry; a folder's has a slash at its end when it becomes a prefix. */
function pathOf({ cursor, prefix }: Level, isPrefix: boolean): Buffer {
  const { content, nameStart, nameEnd } = cursor;
  const length = prefix.length + nameEnd - nameStart;
  const path = Buffer.allocUnsafe(isPrefix ? length + 1 : length);
  prefix.copy(path);
  content.copy(path, prefix.length, nameStart, nameEnd);
  if (isPrefix) path[length] = SLASH;
  return path;
}

async function openTree(
  objects: ObjectDatabase,
  oid: Oid,
  signal: AbortSignal,
): Promise<TreeCursor> {
  const object = await readTree(objects, oid, signal);
  if (object === undefined) throw new ObjectNotFoundError(oid);
  if (object.type !== "tree") {
    throw new CorruptObjectError("a folder's object is no tree", { metadata: { oid } });
  }
  return new TreeCursor(object.content, objects.format);
}

async function readTree(
  objects: ObjectDatabase,
  oid: Oid,
  signal: AbortSignal,
): Promise<GitObject | undefined> {
  try {
    return objects.read(oid);
  } catch (error) {
    if (!(error instanceof ObjectTooLargeError)) throw error;
    return objects.load(oid, signal);
  }
}
