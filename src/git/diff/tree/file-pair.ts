import type { Oid } from "../../oid/oid.ts";

/** A file on one side of a difference. */
export interface DiffFile {
  /** A binary string. */
  readonly path: string;
  /** As git shows it, see `canonicalMode`; 0 when there is no file. */
  readonly mode: number;
  /** All zeros when there is no file. */
  readonly oid: Oid;
}

/** Added, deleted, modified, renamed, or of another type. */
export type PairStatus = "A" | "D" | "M" | "R" | "T";

/** A file that differs. Both paths are the same unless it was renamed. */
export interface FilePair {
  readonly status: PairStatus;
  readonly from: DiffFile;
  readonly to: DiffFile;
  /** How similar both are, 0 to `SCORE_MAX`; only for renamed files. */
  readonly score: number;
}

/** The score of files that are the same. */
export const SCORE_MAX = 60_000;

const MODE_TYPE = 0o170000;

/** `true` for a file with content, not a symbolic link or a submodule. */
export function isRegular({ mode }: DiffFile): boolean {
  return (mode & MODE_TYPE) === 0o100000;
}

export function isSubmodule({ mode }: DiffFile): boolean {
  return (mode & MODE_TYPE) === 0o160000;
}

/** `true` for all but submodules and missing files. */
export function hasBlob(file: DiffFile): boolean {
  return file.mode !== 0 && !isSubmodule(file);
}

/** Pairs the same path of both sides. */
export function createPair(from: DiffFile, to: DiffFile): FilePair {
  return { status: statusOf(from, to), from, to, score: 0 };
}

function statusOf(from: DiffFile, to: DiffFile): PairStatus {
  if (from.mode === 0) return "A";
  if (to.mode === 0) return "D";
  return (from.mode & MODE_TYPE) === (to.mode & MODE_TYPE) ? "M" : "T";
}
