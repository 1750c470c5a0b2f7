/** Whether an array or an object is open, and what may come next in it. */
type Expected = "value" | "element" | "key" | "further-key" | "colon" | "comma" | "end";

const ESCAPED = '"\\/bfnrt';
const WORDS: ReadonlyMap<string, string> = new Map([
  ["t", "true"],
  ["f", "false"],
  ["n", "null"],
]);
const IN_STRING = "in string literal";
const UNEXPECTED_END = "unexpected end of JSON input";
const SPACE = /[ \t\r\n]*/y;

/** The parts of a number: what must come, what else may follow, and what it is called. */
const NUMBER = [
  [/-?(?=[0-9])/y, /-?/y, "in numeric literal"],
  [/0|[1-9][0-9]*/y, undefined, "in numeric literal"],
  [/(?:[.][0-9]+|(?![.]))/y, /[.]/y, "after decimal point in numeric literal"],
  [/(?:e[+-]?[0-9]+|(?!e))/iy, /e[+-]?/iy, "in exponent of numeric literal"],
] as const;

/**
 * What is wrong with a text that isn't JSON, in the words of Go, which clients of the protocol
 * know; undefined when nothing is. `text` is a binary string: Go speaks of bytes.
 */
export function jsonProblem(text: string): string | undefined {
  return new Scanner(text).scan();
}

class Scanner {
  readonly #text: string;
  readonly #open: ("[" | "{")[] = [];
  #at = 0;
  #expected: Expected = "value";

  constructor(text: string) {
    this.#text = text;
  }

  scan(): string | undefined {
    for (;;) {
      this.#take(SPACE);
      if (this.#at >= this.#text.length) {
        return this.#expected === "end" ? undefined : UNEXPECTED_END;
      }
      const problem = this.#step(this.#text.charAt(this.#at));
      if (problem === undefined) continue;
      const next = this.#text.charAt(this.#at);
      if (next === "" && problem === IN_STRING) return UNEXPECTED_END;
      // Go gives its scanner a blank to find out whether a word or a number is over.
      return `invalid character ${quoted(next || " ")} ${problem}`;
    }
  }

  #step(next: string): string | undefined {
    switch (this.#expected) {
      case "key":
      case "further-key":
        return this.#key(next);
      case "colon":
        if (next !== ":") return "after object key";
        return this.#move("value");
      case "comma":
        return this.#comma(next);
      case "end":
        return "after top-level value";
      case "element":
        return next === "]" ? this.#close() : this.#value(next);
      case "value":
        return this.#value(next);
    }
  }

  #key(next: string): string | undefined {
    if (next === "}" && this.#expected === "key") return this.#close();
    if (next !== '"') return "looking for beginning of object key string";
    const problem = this.#string();
    this.#expected = "colon";
    return problem;
  }

  #comma(next: string): string | undefined {
    const isObject = this.#open.at(-1) === "{";
    if (next === ",") return this.#move(isObject ? "further-key" : "value");
    if (next === (isObject ? "}" : "]")) return this.#close();
    return isObject ? "after object key:value pair" : "after array element";
  }

  #value(next: string): string | undefined {
    if (next === "{" || next === "[") {
      this.#open.push(next);
      return this.#move(next === "{" ? "key" : "element");
    }
    const word = WORDS.get(next);
    if (word !== undefined) return this.#after(this.#word(word));
    if (next === '"') return this.#after(this.#string());
    if (/[-0-9]/.test(next)) return this.#after(this.#number());
    return "looking for beginning of value";
  }

  #move(expected: Expected): undefined {
    this.#at++;
    this.#expected = expected;
  }

  #close(): undefined {
    this.#open.pop();
    this.#at++;
    this.#after(undefined);
  }

  #after(problem: string | undefined): string | undefined {
    this.#expected = this.#open.length === 0 ? "end" : "comma";
    return problem;
  }

  #word(word: string): string | undefined {
    for (const letter of word) {
      if (this.#text[this.#at] !== letter) return `in literal ${word} (expecting '${letter}')`;
      this.#at++;
    }
    return undefined;
  }

  #number(): string | undefined {
    for (const [whole, start, place] of NUMBER) {
      if (this.#take(whole)) continue;
      if (start !== undefined) this.#take(start);
      return place;
    }
    return undefined;
  }

  #string(): string | undefined {
    this.#at++;
    for (;;) {
      this.#take(/[ !#-[\]-\xff]*/y);
      if (this.#take(/"/y)) return undefined;
      if (!this.#take(/\\/y)) return IN_STRING;
      if (this.#take(/u[0-9a-f]{4}/iy)) continue;
      if (this.#take(/u[0-9a-f]*/iy)) return "in \\u hexadecimal character escape";
      if (!ESCAPED.includes(this.#text.charAt(this.#at) || "x")) return "in string escape code";
      this.#at++;
    }
  }

  /** Goes on behind what matches here, if it does. */
  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    const matches = pattern.test(this.#text);
    if (matches) this.#at = pattern.lastIndex;
    return matches;
  }
}

/** A character as Go quotes it. */
function quoted(character: string): string {
  if (character === "'") return "'\\''";
  if (character === '"') return `'"'`;
  const named = { "\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\" }[character];
  if (named !== undefined) return `'${named}'`;
  const code = character.charCodeAt(0);
  if (code >= 32 && code < 127) return `'${character}'`;
  if (code >= 161 && code !== 173) return `'${character}'`;
  return code < 128 ? `'\\x${hex(code, 2)}'` : `'\\u${hex(code, 4)}'`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}
