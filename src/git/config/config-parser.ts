import type { ConfigEntry } from "./config-entry.ts";

/** Escapes inside a value. */
const ESCAPES: Readonly<Record<string, string>> = {
  "\n": "",
  t: "\t",
  b: "\b",
  n: "\n",
  "\\": "\\",
  '"': '"',
};

/** Reads a configuration file given as a binary string, character by character as git does. */
export class ConfigParser {
  readonly #text: string;
  #offset: number;
  #isAtEnd = false;
  /** Line that is read now, or that is in error. */
  line = 1;

  constructor(text: string) {
    this.#text = text;
    // A byte order mark, as bytes.
    this.#offset = text.startsWith("\u00ef\u00bb\u00bf") ? 3 : 0;
  }

  /** Returns the settings in order, or `undefined` after an error in `line`. */
  parse(): ConfigEntry[] | undefined {
    const entries: ConfigEntry[] = [];
    let section = "";
    for (let char = this.#nextVisible(); !this.#isAtEnd; char = this.#nextVisible()) {
      if (char === "[") {
        const name = this.#parseSection();
        if (name === undefined) return undefined;
        section = name;
        continue;
      }
      const entry = isLetter(char) ? this.#parseEntry(section, char) : undefined;
      if (entry === undefined) return undefined;
      entries.push(entry);
    }
    return entries;
  }

  /** The next character that is neither blank nor in a comment. */
  #nextVisible(): string {
    for (;;) {
      const char = this.#next();
      if (this.#isAtEnd) return char;
      if (isComment(char)) this.#skipLine();
      else if (!isSpace(char)) return char;
    }
  }

  #parseSection(): string | undefined {
    let name = "";
    for (;;) {
      const char = this.#next();
      if (this.#isAtEnd) return undefined;
      if (char === "]") return name === "" ? undefined : `${name}.`;
      if (isSpace(char)) return this.#parseSubsection(name, char);
      if (!isKeyCharacter(char) && char !== ".") return undefined;
      name += char.toLowerCase();
    }
  }

  #parseSubsection(section: string, first: string): string | undefined {
    let char = first;
    while (isSpace(char)) {
      if (char === "\n") return undefined;
      char = this.#next();
    }
    if (char !== '"') return undefined;
    let name = "";
    for (;;) {
      char = this.#next();
      if (char === '"') break;
      if (char === "\\") char = this.#next();
      if (char === "\n") return undefined;
      name += char;
    }
    return this.#next() === "]" ? `${section}.${name}.` : undefined;
  }

  #parseEntry(section: string, first: string): ConfigEntry | undefined {
    let name = section + first.toLowerCase();
    let char = this.#next();
    while (isKeyCharacter(char)) {
      name += char.toLowerCase();
      char = this.#next();
    }
    while (char === " " || char === "\t") char = this.#next();
    if (char === "\n") return { name, value: null };
    if (char !== "=") return undefined;
    const value = this.#parseValue();
    return value === undefined ? undefined : { name, value };
  }

  #parseValue(): string | undefined {
    let value = "";
    /** Length without the blanks at the end, which are kept only inside quotes. */
    let length = 0;
    let isQuoted = false;
    for (let char = this.#next(); !this.#endsValue(char, isQuoted); char = this.#next()) {
      const isBlank = !isQuoted && isSpace(char);
      if (char === '"') isQuoted = !isQuoted;
      const meant = this.#meaning(char, isBlank && value === "");
      if (meant === undefined) return undefined;
      value += meant;
      if (!isBlank) length = value.length;
    }
    return isQuoted ? undefined : value.slice(0, length);
  }

  /** `true` for the end of a value's line; a comment is skipped. */
  #endsValue(char: string, isQuoted: boolean): boolean {
    if (char === "\n") return true;
    if (isQuoted || !isComment(char)) return false;
    this.#skipLine();
    return true;
  }

  /** What a character of a value adds to it; `undefined` for an unknown escape. */
  #meaning(char: string, isLeadingBlank: boolean): string | undefined {
    if (isLeadingBlank || char === '"') return "";
    return char === "\\" ? ESCAPES[this.#next()] : char;
  }

  #skipLine(): void {
    while (this.#next() !== "\n");
  }

  /** The next character; a newline in the end. A carriage return before a newline is dropped. */
  #next(): string {
    let char = this.#text.charAt(this.#offset++);
    if (char === "\r" && this.#text.charAt(this.#offset) === "\n") {
      char = "\n";
      this.#offset++;
    }
    if (char === "") this.#isAtEnd = true;
    if (char === "\n") this.line++;
    return char === "" ? "\n" : char;
  }
}

function isSpace(char: string): boolean {
  return char === " " || char === "\t" || char === "\n" || char === "\r";
}

function isComment(char: string): boolean {
  return char === "#" || char === ";";
}

function isLetter(char: string): boolean {
  return /^[A-Za-z]$/.test(char);
}

function isKeyCharacter(char: string): boolean {
  return /^[A-Za-z0-9-]$/.test(char);
}
