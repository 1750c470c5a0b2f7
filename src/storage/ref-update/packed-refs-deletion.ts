import * as fs from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import { compareBinary } from "../../git/ref/binary-string.ts";
import type { PackedRefs } from "../../git/ref/packed-refs.ts";
import type { PackedRefsFile } from "../../git/ref/packed-refs-file.ts";
import type { RefName } from "../../git/ref/ref-name.ts";
import { removeAbandonedLock } from "../file/lock-owner.ts";
import { syncOpenFile } from "../file/sync.ts";
import { createOwnFile, FileLockedError, LockFile, removeFile } from "./lock-file.ts";
import { OnlyGitKnowsError } from "./only-git-knows-error.ts";
import { PackedRefsLockedError } from "./ref-update-errors.ts";

const read = promisify(fs.read);
const write = promisify(fs.write);

/** How much of packed-refs is in memory while it is copied. */
const COPY_BYTES = 1024 * 1024;

/** References looked up between two pauses, so that others get their turn. */
const TURN_LENGTH = 64;

interface Range {
  readonly start: number;
  readonly end: number;
}

interface DeletionOptions {
  /** The repository's. */
  readonly directory: string;
  readonly packed: PackedRefsFile;
  readonly names: readonly RefName[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The lock of a reference that is deleted: the one of packed-refs stays empty as well. */
  readonly twin: LockFile | undefined;
}

/**
 * References about to vanish from packed-refs.
 *
 * Packed-refs stays locked even when it holds none of them, lest others pack one of them meanwhile.
 * The new content is `packed-refs.new`, all records but theirs as they were, until it is committed.
 */
export class PackedRefsDeletion {
  readonly #path: string;
  readonly #lock: LockFile;
  #hasContent = false;

  private constructor(path: string, lock: LockFile) {
    this.#path = path;
    this.#lock = lock;
  }

  /**
   * Locks packed-refs and writes what shall take its place. Throws `PackedRefsLockedError`, errors
   * of the operating system, of a damaged file and the reason of `signal`; then nothing is left.
   */
  static async prepare(options: DeletionOptions): Promise<PackedRefsDeletion> {
    const { directory } = options;
    const path = `${directory}/packed-refs`;
    // Git locks the file that a link leads to.
    if (fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
      throw new OnlyGitKnowsError("packed-refs is a link");
    }
    const deletion = new PackedRefsDeletion(path, await acquire(path, options));
    try {
      deletion.#lock.close();
      // Git itself would stumble over it, too, when it packs references.
      removeAbandonedLock(`${path}.new`);
      await deletion.#write(options);
      return deletion;
    } catch (error) {
      deletion.rollback();
      throw error;
    }
  }

  /** Puts the new content in place; the lock stays. */
  commit(): void {
    if (this.#hasContent) fs.renameSync(`${this.#path}.new`, this.#path);
    this.#hasContent = false;
  }

  /** Gives the lock back, and throws away what isn't committed. */
  rollback(): void {
    if (this.#hasContent) removeFile(`${this.#path}.new`);
    this.#hasContent = false;
    this.#lock.rollback();
  }

  async #write({ packed, names, signal }: DeletionOptions): Promise<void> {
    using open = packed.open();
    if (open.refs === undefined) return;
    const deleted = await deletedRanges(open.refs, names);
    if (deleted.length === 0) return;
    if (!open.refs.isCurrent) throw new OnlyGitKnowsError("packed-refs is of an old format");
    const to = this.#create();
    // While it is locked nobody replaces the file, so this is what the ranges are of.
    const from = fs.openSync(this.#path, "r");
    try {
      await copyWithout(deleted, from, to, signal);
      await syncOpenFile(to);
    } finally {
      fs.closeSync(from);
      fs.closeSync(to);
    }
  }

  #create(): number {
    const file = createOwnFile(`${this.#path}.new`);
    if (file === undefined) throw new PackedRefsLockedError();
    this.#hasContent = true;
    return file;
  }
}

async function acquire(
  path: string,
  { timeoutMs, signal, twin }: DeletionOptions,
): Promise<LockFile> {
  try {
    return await LockFile.acquire(`${path}.lock`, { timeoutMs, signal, twin });
  } catch (error) {
    if (error instanceof FileLockedError) throw new PackedRefsLockedError();
    throw error;
  }
}

/** Where the records of references are, in order. */
async function deletedRanges(refs: PackedRefs, names: readonly RefName[]): Promise<Range[]> {
  const ranges: Range[] = [];
  for (const [index, name] of names.toSorted(compareBinary).entries()) {
    const range = refs.locate(name);
    if (range !== undefined) ranges.push(range);
    if (index % TURN_LENGTH === TURN_LENGTH - 1) await nextTurn();
  }
  return ranges;
}

async function copyWithout(
  deleted: readonly Range[],
  from: number,
  to: number,
  signal: AbortSignal,
): Promise<void> {
  const { size } = fs.fstatSync(from);
  const buffer = Buffer.allocUnsafe(Math.min(COPY_BYTES, size));
  const cursor = { next: 0 };
  for (let start = 0; start < size; ) {
    signal.throwIfAborted();
    const { bytesRead } = await read(from, buffer, 0, Math.min(buffer.length, size - start), start);
    if (bytesRead === 0) throw new OnlyGitKnowsError("packed-refs is cut short");
    const kept = moveKept(buffer.subarray(0, bytesRead), start, deleted, cursor);
    await writeAll(to, buffer.subarray(0, kept));
    start += bytesRead;
  }
}

const END: Range = { start: Number.POSITIVE_INFINITY, end: Number.POSITIVE_INFINITY };

/**
 * Moves what is kept of a chunk to its front, and tells how much it is. The chunk begins at the
 * offset `start` of the file; the cursor goes to the first range that doesn't end in the chunk.
 */
function moveKept(
  chunk: Buffer,
  start: number,
  deleted: readonly Range[],
  cursor: { next: number },
): number {
  let kept = 0;
  for (let offset = 0; offset < chunk.length; ) {
    const range = deleted[cursor.next] ?? END;
    const keptEnd = Math.min(Math.max(range.start - start, offset), chunk.length);
    kept += chunk.copy(chunk, kept, offset, keptEnd);
    offset = Math.min(range.end - start, chunk.length);
    if (start + offset === range.end) cursor.next++;
  }
  return kept;
}

async function writeAll(file: number, bytes: Buffer): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    const { bytesWritten } = await write(file, bytes, offset, bytes.length - offset);
    offset += bytesWritten;
  }
}
