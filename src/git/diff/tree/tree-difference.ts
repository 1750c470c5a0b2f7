import { setImmediate as nextTurn } from "node:timers/promises";
import type { ObjectDatabase } from "../../object/object-database.ts";
import type { Oid } from "../../oid/oid.ts";
import type { NumStat } from "../numstat-reader.ts";
import { ByteWriter } from "../text/byte-writer.ts";
import { DiffTooHardError } from "../text/diff-too-hard-error.ts";
import { countChangedLines, findTextChanges } from "../text/text-changes.ts";
import { compareTrees } from "./compare-trees.ts";
import { type DiffContents, leaveToGit } from "./diff-contents.ts";
import { type FilePair, hasBlob } from "./file-pair.ts";
import { findRenames } from "./find-renames.ts";
import type { SelectedPaths } from "./selected-paths.ts";
import { writePatch, writeRawLine } from "./write-patch.ts";

/** Bytes of output that are passed on at once. */
const CHUNK_BYTES = 64 * 1024;

/** Bytes of contents that are compared before others have their turn. */
const TURN_BYTES = 256 * 1024;

/** Bytes of contents that one difference may read; a larger one is left to git. */
const DIFFERENCE_BYTES_MAX = 16 * 1024 * 1024;

/** Two trees that are compared. */
export interface ComparedTrees {
  readonly objects: ObjectDatabase;
  readonly contents: DiffContents;
  /** `undefined` stands for no tree. */
  readonly left: Oid | undefined;
  readonly right: Oid | undefined;
  readonly selected?: SelectedPaths;
  /** How similar renamed files are at least, see `SCORE_MAX`; nothing is renamed without. */
  readonly renameScoreMin?: number;
}

/**
 * Lists the files in which two trees differ, as `git diff` does. Throws `DiffTooHardError` for what
 * is better left to git.
 */
export function listFilePairs(trees: ComparedTrees): readonly FilePair[] {
  const { objects, left, right, selected, renameScoreMin, contents } = trees;
  const pairs = leaveToGit(() => compareTrees(objects, left, right, selected));
  return renameScoreMin === undefined ? pairs : findRenames(pairs, renameScoreMin, contents);
}

/** What of files is wanted. */
export interface DifferenceParts {
  /** The lines of the format `--raw`, all of them first. */
  readonly raw: boolean;
  readonly patches: boolean;
  /** Returns `false` when the files that come aren't wanted any more; they are only looked for. */
  readonly isWanted?: () => boolean;
}

/**
 * Yields what `git diff --full-index` prints of files, in pieces of up to `CHUNK_BYTES`.
 *
 * Throws `DiffTooHardError` after part of it when git has to go on, and the reason of the signal.
 */
export async function* printFilePairs(
  pairs: readonly FilePair[],
  contents: DiffContents,
  { raw, patches, isWanted = () => true }: DifferenceParts,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const turns = new Turns(contents, signal);
  const writer = new ByteWriter(Math.min(pairs.length * 1024, CHUNK_BYTES));
  if (raw) {
    for (const pair of pairs) writeRawLine(writer, pair);
    if (patches && pairs.length > 0) writer.writeBinary("\n");
  }
  for (const pair of patches ? pairs : []) {
    if (isWanted()) writePatch(writer, pair, contents);
    else checkPresence(pair, contents);
    if (writer.length >= CHUNK_BYTES) yield* pieces(writer.take());
    await turns.next();
  }
  yield* pieces(writer.take());
}

function* pieces(bytes: Buffer): Generator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    yield bytes.subarray(at, at + CHUNK_BYTES);
  }
}

/** Git fails for a missing file even if nobody reads so far. */
function checkPresence({ from, to }: FilePair, contents: DiffContents): void {
  if (from.oid === to.oid) return;
  for (const file of [from, to]) if (hasBlob(file)) contents.sizeOf(file);
}

/** Yields how many lines have changed in files. Throws as `printFilePairs`. */
export async function* countFilePairs(
  pairs: readonly FilePair[],
  contents: DiffContents,
  signal: AbortSignal,
): AsyncGenerator<NumStat, void, undefined> {
  const turns = new Turns(contents, signal);
  for (const pair of pairs) {
    const { status, from, to } = pair;
    yield {
      path: to.path,
      oldPath: status === "R" ? from.path : "",
      ...countLines(pair, contents),
    };
    await turns.next();
  }
}

function countLines(
  { from, to }: FilePair,
  contents: DiffContents,
): { additions: number; deletions: number } {
  const texts = from.oid === to.oid ? undefined : contents.readTexts(from, to);
  if (texts === undefined) return { additions: 0, deletions: 0 };
  return countChangedLines(findTextChanges(...texts, contents.memory).changes);
}

/** Lets others have their turn from time to time, and ends what takes too long. */
class Turns {
  readonly #contents: DiffContents;
  readonly #signal: AbortSignal;
  #bytesAtTurn: number;
  readonly #bytesAtStart: number;

  constructor(contents: DiffContents, signal: AbortSignal) {
    this.#contents = contents;
    this.#signal = signal;
    this.#bytesAtStart = contents.bytesRead;
    this.#bytesAtTurn = contents.bytesRead;
  }

  async next(): Promise<void> {
    const { bytesRead } = this.#contents;
    if (bytesRead - this.#bytesAtTurn < TURN_BYTES) return;
    if (bytesRead - this.#bytesAtStart > DIFFERENCE_BYTES_MAX) {
      throw new DiffTooHardError("large-difference");
    }
    this.#bytesAtTurn = bytesRead;
    await nextTurn();
    this.#signal.throwIfAborted();
  }
}
