import { parseCharacterClass } from "./character-class.ts";

/** How a pattern is read. Both default to false. */
export interface WildmatchOptions {
  /**
   * `*`, `?` and classes don't match a slash, and `**` between slashes matches any number of
   * directories (git's WM_PATHNAME). Otherwise every `*` matches everything.
   */
  readonly pathname?: boolean;
  /** Ignores the case of ASCII letters (git's WM_CASEFOLD). */
  readonly caseFold?: boolean;
}

/**
 * Compiles a shell pattern as git's wildmatch reads it: `?`, `*`, `**`, `[a-z]`, `[!a]`,
 * `[[:alpha:]]` and `\x`. The function it returns tells whether a whole text matches.
 *
 * Pattern and text are binary strings: one UTF-16 unit per byte. A match takes at most the time of
 * pattern length times text length, whatever the pattern.
 */
export function compileWildmatch(
  pattern: string,
  options: WildmatchOptions = {},
): (text: string) => boolean {
  const steps = new PatternParser(pattern, options).parse();
  if (steps === undefined) return () => false;
  if (options.caseFold === true) return (text) => new Matcher(steps).matches(foldCase(text), 0);
  const literal = literalPrefix(pattern);
  return (text) => text.startsWith(literal) && new Matcher(steps).matches(text, literal.length);
}

/** The part of a pattern before its first character with a meaning; all that matches starts so. */
export function literalPrefix(pattern: string): string {
  const wildcard = pattern.search(WILDCARD);
  return wildcard < 0 ? pattern : pattern.slice(0, wildcard);
}

/** Tells whether a pattern has characters with a meaning: without any, it matches only itself. */
export function hasWildcard(pattern: string): boolean {
  return WILDCARD.test(pattern);
}

/**
 * What one position of a pattern does with a character: match one of a set and go on, or match any
 * number of a set and stay. From one that repeats, the next position and `skip` are reached without
 * any character.
 */
interface Step {
  readonly accepts: Uint8Array;
  readonly repeats: boolean;
  readonly skip: number | undefined;
}

const WILDCARD = /[*?[\\]/;
const SLASH = 0x2f;
const UPPER_CASE = /[A-Z]+/g;

function foldCase(text: string): string {
  return text.replace(UPPER_CASE, (letters) => letters.toLowerCase());
}

class PatternParser {
  readonly #pattern: string;
  readonly #pathname: boolean;
  readonly #caseFold: boolean;
  readonly #literals = new Map<number, Uint8Array>();
  readonly #none: Uint8Array = new Uint8Array(256);
  readonly #any: Uint8Array = new Uint8Array(256).fill(1);
  readonly #segment: Uint8Array = new Uint8Array(256).fill(1);
  readonly #steps: Step[] = [];
  #position = 0;

  constructor(pattern: string, { pathname = false, caseFold = false }: WildmatchOptions) {
    this.#pattern = pattern;
    this.#pathname = pathname;
    this.#caseFold = caseFold;
    if (pathname) this.#segment[SLASH] = 0;
  }

  /** The steps of the pattern, or undefined when it is malformed and so matches nothing. */
  parse(): readonly Step[] | undefined {
    while (this.#position < this.#pattern.length) {
      if (!this.#step()) return undefined;
    }
    return this.#steps;
  }

  #step(): boolean {
    switch (this.#pattern[this.#position]) {
      case "*":
        this.#star();
        return true;
      case "?":
        this.#one(this.#segment, 1);
        return true;
      case "[":
        return this.#class();
      case "\\":
        if (this.#position + 1 === this.#pattern.length) return false;
        this.#literal(this.#position + 1, false);
        return true;
      default:
        this.#literal(this.#position, this.#caseFold);
        return true;
    }
  }

  #one(accepts: Uint8Array, length: number): void {
    this.#steps.push({ accepts, repeats: false, skip: undefined });
    this.#position += length;
  }

  /** An escaped letter keeps its case even when case is ignored: git never folds it. */
  #literal(index: number, fold: boolean): void {
    const character = this.#pattern[index] ?? "";
    const code = (fold ? foldCase(character) : character).charCodeAt(0);
    let accepts = this.#literals.get(code);
    if (accepts === undefined) {
      accepts = new Uint8Array(256);
      accepts[code] = 1;
      this.#literals.set(code, accepts);
    }
    this.#one(accepts, index + 1 - this.#position);
  }

  #class(): boolean {
    const parsed = parseCharacterClass(this.#pattern, this.#position, this.#caseFold);
    if (parsed === undefined) return false;
    if (this.#pathname) parsed.accepts[SLASH] = 0;
    this.#one(parsed.accepts, parsed.end - this.#position);
    return true;
  }

  #star(): void {
    const start = this.#position;
    let end = start;
    while (this.#pattern[end] === "*") end++;
    this.#position = end;
    const directories = this.#pathname && end - start > 1 && this.#isBetweenSlashes(start, end);
    if (directories && this.#pattern[end] === "/") {
      // "**/" also matches nothing: then the slash isn't there either.
      const behind = this.#steps.length + 3;
      this.#steps.push({ accepts: this.#none, repeats: true, skip: behind });
    }
    const accepts = this.#pathname && !directories ? this.#segment : this.#any;
    this.#steps.push({ accepts, repeats: true, skip: undefined });
  }

  #isBetweenSlashes(start: number, end: number): boolean {
    if (start > 0 && this.#pattern[start - 1] !== "/") return false;
    return end === this.#pattern.length || /^\\?\//.test(this.#pattern.slice(end, end + 2));
  }
}

/** Follows all ways to match at once, so that no text makes it try again. */
class Matcher {
  readonly #steps: readonly Step[];
  /** For each position the number of characters before it was last reached, plus one. */
  readonly #reachedAt: Int32Array;
  #reached: number[] = [];

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
    this.#reachedAt = new Int32Array(steps.length + 1);
  }

  /** `start` leading characters are known to match as many leading steps. */
  matches(text: string, start: number): boolean {
    this.#reach(start, start + 1);
    for (let index = start; index < text.length && this.#reached.length > 0; index++) {
      const active = this.#reached;
      this.#reached = [];
      const code = text.charCodeAt(index);
      for (const position of active) {
        const step = this.#steps[position];
        if (step?.accepts[code] !== 1) continue;
        this.#reach(step.repeats ? position : position + 1, index + 2);
      }
    }
    return this.#reached.includes(this.#steps.length);
  }

  /** Notes a position and those that are reached from it without a character. */
  #reach(position: number, time: number): void {
    const pending = [position];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      if (this.#reachedAt[at] === time) continue;
      this.#reachedAt[at] = time;
      this.#reached.push(at);
      const step = this.#steps[at];
      if (step?.repeats !== true) continue;
      pending.push(at + 1);
      if (step.skip !== undefined) pending.push(step.skip);
    }
  }
}
