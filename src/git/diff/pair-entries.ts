import { type ObjectFormat, zeroOid } from "../oid/oid.ts";
import { FileDiff, type RawChange } from "./file-diff.ts";
import type { PatchPolicy } from "./patch-reader.ts";
import type { DiffEntries } from "./raw-entries.ts";

/** A pair of blobs as `git diff-pairs -z` reads it. Paths are binary strings. */
export interface RawPair extends RawChange {
  /** Empty unless the pair has two paths. */
  readonly toPath: string;
  /** A letter of the raw format. */
  readonly status: string;
}

/** Encodes pairs as input of `git diff-pairs -z`, as a binary string. */
export function encodePairs(pairs: readonly RawPair[]): string {
  return pairs.map(encodePair).join("");
}

function encodePair({ oldMode, newMode, fromId, toId, status, fromPath, toPath }: RawPair): string {
  // Nobody is interested in how similar both sides are, but git expects to be told.
  const letter = status === "R" || status === "C" ? `${status}000` : status;
  const words = [`:${mode(oldMode)}`, mode(newMode), fromId, toId, letter].join(" ");
  const path = toPath === "" ? fromPath : `${fromPath}\0${toPath}`;
  return `${words}\0${path}\0`;
}

function mode(bits: number): string {
  const digits = Math.abs(bits).toString(8);
  return bits < 0 ? `-${digits.padStart(5, "0")}` : digits.padStart(6, "0");
}

/** The pairs whose patches git is going to print; a change of type comes as two. */
export class PairEntries implements DiffEntries {
  readonly #pairs: readonly RawPair[];
  readonly #zeroId: string;
  #index = 0;
  #created: RawChange | undefined;

  constructor(pairs: readonly RawPair[], format: ObjectFormat) {
    this.#pairs = pairs;
    this.#zeroId = zeroOid(format);
  }

  next(): FileDiff | undefined {
    const created = this.#created;
    if (created !== undefined) {
      this.#created = undefined;
      return new FileDiff(created);
    }
    const pair = this.#pairs[this.#index++];
    if (pair?.status !== "T") return pair && new FileDiff(pair);
    this.#created = { ...pair, oldMode: 0, fromId: this.#zeroId };
    return new FileDiff({ ...pair, newMode: 0, toId: this.#zeroId });
  }
}

/** Takes away patches that are larger than a limit; 0 is none. */
export class BoundedPatches implements PatchPolicy {
  readonly #patchBytesMax: number;
  readonly isCountingOnly = false;

  constructor(patchBytesMax: number) {
    this.#patchBytesMax = patchBytesMax;
  }

  begin(diff: FileDiff): void {
    diff.keepUpTo(this.#patchBytesMax === 0 ? Number.POSITIVE_INFINITY : this.#patchBytesMax);
  }

  finish(diff: FileDiff): boolean {
    diff.patchSize = diff.patchBytes;
    if (this.#patchBytesMax !== 0 && diff.patchBytes > this.#patchBytesMax) {
      diff.tooLarge = true;
      diff.clearPatch();
    }
    return true;
  }
}
