import type { ObjectDatabase } from "../object/object-database.ts";
import type { Oid } from "../oid/oid.ts";
import { PktLineEncoder } from "../pkt-line/pkt-line-encoder.ts";
import type { HiddenRefs } from "../ref/hidden-refs.ts";
import type { PackedRefs } from "../ref/packed-refs.ts";

/** The digits of a pkt-line's length. */
export const LENGTH_DIGITS = 4;
const DIGIT_0 = 0x30;
const LETTER_A = 0x61;

/** References that are encoded without a break: some milliseconds. */
const TURN_LENGTH = 1000;

interface Kept {
  readonly hidden: string;
  readonly packs: readonly object[];
  readonly lines: Buffer;
}

/**
 * Keeps what packed-refs contributes to an advertisement for pushes: pkt-lines of the references
 * that aren't hidden, in the order of their names.
 *
 * They hold for one version of the file, and as long as no pack goes in which an object was found.
 */
export class PackedLines {
  readonly #kept = new WeakMap<PackedRefs, Kept>();

  /**
   * Returns undefined when something is wrong with a reference, or with its object. Yields when
   * others should get their turn.
   */
  *find(
    refs: PackedRefs,
    objects: ObjectDatabase,
    hidden: HiddenRefs,
  ): Generator<undefined, Buffer | undefined, undefined> {
    const packs = objects.packsInUse();
    const known = this.#kept.get(refs);
    if (known?.hidden === hidden.text && isSame(known.packs, packs)) return known.lines;
    const lines = yield* encode(refs, objects, hidden);
    if (lines !== undefined) this.#kept.set(refs, { hidden: hidden.text, packs, lines });
    return lines;
  }
}

function isSame(one: readonly object[], other: readonly object[]): boolean {
  return one.length === other.length && one.every((each, index) => each === other[index]);
}

/** Objects that aren't in packs would have to be looked for each time. */
function* encode(
  refs: PackedRefs,
  objects: ObjectDatabase,
  hidden: HiddenRefs,
): Generator<undefined, Buffer | undefined, undefined> {
  const encoder = new PktLineEncoder();
  const seen = new Set<Oid>();
  let count = 0;
  for (const ref of refs.list("", "")) {
    if (ref.kind !== "direct") return undefined;
    if (hidden.isHidden(ref.name)) continue;
    if (!seen.has(ref.oid) && !objects.isPacked(ref.oid)) return undefined;
    seen.add(ref.oid);
    if (++count % TURN_LENGTH === 0) yield undefined;
    encoder.line(`${ref.oid} ${ref.name}\n`);
  }
  return Buffer.from(encoder.take());
}

/** Where in lines those of names before `name` end, from `start` on. */
export function endOfNamesBefore(
  lines: Buffer,
  start: number,
  name: string,
  hexLength: number,
): number {
  let at = start;
  while (at < lines.length && compareName(lines, at, name, hexLength) < 0) {
    at = endOfLine(lines, at);
  }
  return at;
}

/** Whether the line at `at` is that of a name. */
export function isLineOf(lines: Buffer, at: number, name: string, hexLength: number): boolean {
  return at < lines.length && compareName(lines, at, name, hexLength) === 0;
}

/** Where the line that begins at `at` ends. */
export function endOfLine(lines: Buffer, at: number): number {
  let length = 0;
  for (let index = 0; index < LENGTH_DIGITS; index++) {
    const digit = lines[at + index] ?? 0;
    length = length * 16 + (digit < LETTER_A ? digit - DIGIT_0 : digit - LETTER_A + 10);
  }
  return at + length;
}

/** Negative when the line's name comes before the other. */
function compareName(lines: Buffer, at: number, name: string, hexLength: number): number {
  const start = at + LENGTH_DIGITS + hexLength + 1;
  const length = endOfLine(lines, at) - 1 - start;
  const common = Math.min(length, name.length);
  for (let index = 0; index < common; index++) {
    const difference = (lines[start + index] ?? 0) - name.charCodeAt(index);
    if (difference !== 0) return difference;
  }
  return length - name.length;
}
