/** A class such as `[a-z]`: which bytes it accepts, and the index behind its closing bracket. */
export interface CharacterClass {
  readonly accepts: Uint8Array;
  readonly end: number;
}

/**
 * Parses the class whose opening bracket stands at `start` of a wildmatch pattern.
 *
 * Returns undefined when it is malformed: not closed, or with a name in `[:…:]` that doesn't exist.
 * With `caseFold`, the text is expected to be in lower case; as in git, ranges and `[:upper:]` then
 * match either case while single characters don't.
 */
export function parseCharacterClass(
  pattern: string,
  start: number,
  caseFold: boolean,
): CharacterClass | undefined {
  return new CharacterClassParser(pattern, start + 1, caseFold).parse();
}

type Predicate = (code: number) => boolean;

const isUpper: Predicate = (code) => code >= 0x41 && code <= 0x5a;
const isLower: Predicate = (code) => code >= 0x61 && code <= 0x7a;
const isDigit: Predicate = (code) => code >= 0x30 && code <= 0x39;
const isAlpha: Predicate = (code) => isUpper(code) || isLower(code);
const isAlnum: Predicate = (code) => isAlpha(code) || isDigit(code);
const isGraph: Predicate = (code) => code > 0x20 && code < 0x7f;

/** The named classes. They know ASCII only, and git's idea of white space. */
const NAMED: ReadonlyMap<string, Predicate> = new Map([
  ["alnum", isAlnum],
  ["alpha", isAlpha],
  ["blank", (code: number) => code === 0x20 || code === 0x09],
  ["cntrl", (code: number) => code < 0x20 || code === 0x7f],
  ["digit", isDigit],
  ["graph", isGraph],
  ["lower", isLower],
  ["print", (code: number) => code === 0x20 || isGraph(code)],
  ["punct", (code: number) => isGraph(code) && !isAlnum(code)],
  ["space", (code: number) => " \t\n\r".includes(String.fromCharCode(code))],
  ["upper", isUpper],
  ["xdigit", (code: number) => /^[0-9A-Fa-f]$/.test(String.fromCharCode(code))],
]);

class CharacterClassParser {
  readonly #pattern: string;
  readonly #caseFold: boolean;
  readonly #accepts: Uint8Array = new Uint8Array(256);
  #position: number;
  /** The single character before the current one, with which a range may begin. */
  #previous: number | undefined;

  constructor(pattern: string, position: number, caseFold: boolean) {
    this.#pattern = pattern;
    this.#position = position;
    this.#caseFold = caseFold;
  }

  parse(): CharacterClass | undefined {
    const negated = this.#pattern[this.#position] === "!" || this.#pattern[this.#position] === "^";
    if (negated) this.#position++;
    // A closing bracket that comes first stands for itself.
    do {
      if (!this.#item()) return undefined;
    } while (this.#pattern[this.#position] !== "]");
    if (negated)
      for (let code = 0; code < 256; code++) this.#accepts[code] = 1 - (this.#accepts[code] ?? 0);
    return { accepts: this.#accepts, end: this.#position + 1 };
  }

  #item(): boolean {
    const next = this.#pattern[this.#position + 1];
    switch (this.#pattern[this.#position]) {
      case undefined:
        return false;
      case "-":
        if (this.#previous !== undefined && next !== undefined && next !== "]") {
          return this.#range(this.#previous);
        }
        break;
      case "[":
        if (next === ":") return this.#named();
        break;
      default:
    }
    const code = this.#character();
    if (code === undefined) return false;
    this.#accepts[code] = 1;
    this.#previous = code;
    return true;
  }

  /** Takes one character, which may be escaped. */
  #character(): number | undefined {
    if (this.#pattern[this.#position] === "\\") this.#position++;
    if (this.#position >= this.#pattern.length) return undefined;
    return this.#pattern.charCodeAt(this.#position++);
  }

  #range(first: number): boolean {
    this.#position++;
    const last = this.#character();
    if (last === undefined) return false;
    for (let code = first; code <= last; code++) {
      this.#accepts[code] = 1;
      if (this.#caseFold && isUpper(code)) this.#accepts[code + 0x20] = 1;
    }
    this.#previous = undefined;
    return true;
  }

  #named(): boolean {
    const end = this.#pattern.indexOf("]", this.#position + 2);
    if (end < 0) return false;
    const inner = this.#pattern.slice(this.#position + 2, end);
    if (!inner.endsWith(":")) {
      // "[[:" without ":]" is a bracket and a colon.
      this.#accepts[0x5b] = 1;
      this.#previous = 0x5b;
      this.#position++;
      return true;
    }
    const accepts = NAMED.get(inner.slice(0, -1));
    if (accepts === undefined) return false;
    for (let code = 0; code < 256; code++) {
      const folded = this.#caseFold && accepts === isUpper && isLower(code);
      if (folded || accepts(code)) this.#accepts[code] = 1;
    }
    this.#previous = undefined;
    this.#position = end + 1;
    return true;
  }
}
