import type { FileDiff } from "./file-diff.ts";
import type { PatchPolicy } from "./patch-reader.ts";

/** Limits of a difference as requests name them. Bytes and lines are those of the hunks. */
export interface DiffLimits {
  /** Whether a patch beyond `maxPatchBytes` is left out and the other maxima end the difference. */
  readonly enforceLimits?: boolean;
  /** Whether patches are left out once a safe maximum has been passed. */
  readonly collapseDiffs?: boolean;
  /** Whether all files are told even beyond the maxima, then without patches. */
  readonly collectAllPaths?: boolean;
  /** Whether only `maxPatchBytes` is enforced. */
  readonly patchLimitsOnly?: boolean;
  readonly maxFiles?: number;
  readonly maxLines?: number;
  readonly maxBytes?: number;
  readonly safeMaxFiles?: number;
  readonly safeMaxLines?: number;
  readonly safeMaxBytes?: number;
  readonly maxPatchBytes?: number;
  /** Wins over `maxPatchBytes`, by extension with its dot, or by the name of files without one. */
  readonly maxPatchBytesForFileExtension?: ReadonlyMap<string, number>;
}

/** No request gets more than this. */
const UPPER_BOUNDS = {
  maxFiles: 5000,
  maxLines: 250_000,
  maxBytes: 5000 * 5120,
  safeMaxFiles: 500,
  safeMaxLines: 25_000,
  safeMaxBytes: 500 * 5120,
  maxPatchBytes: 512_000,
};

type Bounded = { readonly [Name in keyof typeof UPPER_BOUNDS]: number };

/** Applies limits to one difference: counts what has been read and takes patches away. */
export class LimitedPatches implements PatchPolicy {
  readonly #limits: DiffLimits;
  readonly #max: Bounded;
  #fileCount = 0;
  #lineCount = 0;
  #byteCount = 0;
  #isCountingOnly = false;

  constructor(limits: DiffLimits) {
    this.#limits = limits;
    this.#max = bounded(limits);
  }

  get isCountingOnly(): boolean {
    return this.#isCountingOnly;
  }

  begin(diff: FileDiff): void {
    this.#fileCount++;
    const isBounded = this.#limits.enforceLimits === true;
    diff.keepUpTo(isBounded ? this.#patchBytesMax(diff) : Number.POSITIVE_INFINITY);
  }

  finish(diff: FileDiff): boolean {
    const { enforceLimits, collapseDiffs, patchLimitsOnly } = this.#limits;
    this.#lineCount += diff.lineCount;
    this.#byteCount += diff.byteCount;
    diff.patchSize = diff.patchBytes;
    if (collapseDiffs === true && this.#isBeyondSafe() && diff.lineCount > 0) {
      this.#takeAway(diff);
      diff.collapsed = true;
    }
    if (enforceLimits !== true) return true;
    if (diff.patchBytes >= this.#patchBytesMax(diff)) {
      this.#takeAway(diff);
      diff.tooLarge = true;
    }
    if (patchLimitsOnly === true || !this.#isBeyondMax()) return true;
    return this.#overflow(diff);
  }

  /** Gives back what the patch has used, though its hunks' headers were never counted. */
  #takeAway(diff: FileDiff): void {
    this.#lineCount -= diff.lineCount;
    this.#byteCount -= diff.patchBytes;
    diff.patchBytes = 0;
    diff.clearPatch();
  }

  #overflow(diff: FileDiff): boolean {
    diff.overflowMarker = true;
    if (this.#limits.collectAllPaths !== true) {
      diff.clear();
      return false;
    }
    diff.clearPatch();
    this.#isCountingOnly = true;
    return true;
  }

  #isBeyondSafe(): boolean {
    const { safeMaxFiles, safeMaxLines, safeMaxBytes } = this.#max;
    return (
      this.#fileCount > safeMaxFiles ||
      this.#lineCount > safeMaxLines ||
      this.#byteCount > safeMaxBytes
    );
  }

  #isBeyondMax(): boolean {
    const { maxFiles, maxLines, maxBytes } = this.#max;
    return this.#fileCount > maxFiles || this.#lineCount >= maxLines || this.#byteCount >= maxBytes;
  }

  #patchBytesMax(diff: FileDiff): number {
    const extensions = this.#limits.maxPatchBytesForFileExtension;
    if (extensions === undefined || extensions.size === 0) return this.#max.maxPatchBytes;
    return extensions.get(fileType(diff.change.toPath)) ?? this.#max.maxPatchBytes;
  }
}

function bounded(limits: DiffLimits): Bounded {
  const bound = (name: keyof Bounded): number => Math.min(limits[name] ?? 0, UPPER_BOUNDS[name]);
  return {
    maxFiles: bound("maxFiles"),
    maxLines: bound("maxLines"),
    maxBytes: bound("maxBytes"),
    safeMaxFiles: bound("safeMaxFiles"),
    safeMaxLines: bound("safeMaxLines"),
    safeMaxBytes: bound("safeMaxBytes"),
    maxPatchBytes: bound("maxPatchBytes"),
  };
}

function fileType(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return dot < 0 ? name : name.slice(dot);
}
