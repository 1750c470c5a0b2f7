/**
 * Orders names that hold version numbers, as git does for `version:refname`: negative when `one`
 * comes first. `suffixes` are the values of `versionsort.suffix`, in their order; a version with one
 * of them, such as `-rc1`, comes before the version without.
 *
 * Names are binary strings. They are compared by the first character that differs: within a number
 * by the number, otherwise by that character.
 */
export function versionCompare(
  one: string,
  other: string,
  suffixes: readonly string[] = [],
): number {
  const length = Math.max(one.length, other.length);
  for (let index = 0; index < length; index++) {
    if (one.charCodeAt(index) === other.charCodeAt(index)) continue;
    return compareSuffixes(one, other, index, suffixes) ?? compareAt(one, other, index);
  }
  return 0;
}

/** Compares names whose characters are the same before `index` and differ there. */
function compareAt(one: string, other: string, index: number): number {
  const difference = codeAt(one, index) - codeAt(other, index);
  const oneDigit = isDigit(one, index);
  const otherDigit = isDigit(other, index);
  if (!oneDigit && !otherDigit) return difference;
  const start = numberStart(one, index);
  if (start < index && one[start] === "0") {
    // A number that begins with a zero is a fraction, ordered by its digits. But after nothing but
    // zeros more digits make it smaller: 1.000 comes before 1.00 and that before 1.0.
    const onlyZeros = /^0*$/.test(one.slice(start, index));
    return onlyZeros && oneDigit !== otherDigit
      ? Number(otherDigit) - Number(oneDigit)
      : difference;
  }
  if (start === index && !isWhole(one, other, index)) return difference;
  return compareLengths(one, other, index) || difference;
}

/** Tells whether whole numbers begin at `index` in both names. */
function isWhole(one: string, other: string, index: number): boolean {
  return [one, other].every((text) => isDigit(text, index) && text[index] !== "0");
}

/** Which run of digits from `index` on is longer. */
function compareLengths(one: string, other: string, index: number): number {
  let end = index;
  while (isDigit(one, end) && isDigit(other, end)) end++;
  return Number(isDigit(one, end)) - Number(isDigit(other, end));
}

/** Where the digits begin that stand right before `index`. */
function numberStart(text: string, index: number): number {
  let start = index;
  while (start > 0 && isDigit(text, start - 1)) start--;
  return start;
}

/** The order by suffixes that hold the first difference or end right before it, if there is one. */
function compareSuffixes(
  one: string,
  other: string,
  index: number,
  suffixes: readonly string[],
): number | undefined {
  const oneRank = suffixRank(one, index, suffixes);
  const otherRank = suffixRank(other, index, suffixes);
  if (oneRank === otherRank) return undefined;
  if (oneRank === undefined) return 1;
  return otherRank === undefined ? -1 : oneRank - otherRank;
}

/** The place in the configuration of the suffix that starts first; among those of the longest. */
function suffixRank(text: string, index: number, suffixes: readonly string[]): number | undefined {
  let best: { readonly rank: number; readonly start: number; readonly length: number } | undefined;
  for (const [rank, suffix] of suffixes.entries()) {
    const start = text.indexOf(suffix, Math.max(0, index - suffix.length));
    if (start < 0 || start > index) continue;
    const isBetter =
      best === undefined ||
      start < best.start ||
      (start === best.start && suffix.length > best.length);
    if (isBetter) best = { rank, start, length: suffix.length };
  }
  return best?.rank;
}

function isDigit(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code >= 0x30 && code <= 0x39;
}

/** The end of a text sorts before all characters. */
function codeAt(text: string, index: number): number {
  return index < text.length ? text.charCodeAt(index) : 0;
}
