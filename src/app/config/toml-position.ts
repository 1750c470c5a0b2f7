import type { ValuePath } from "./config-error.ts";

/** A place in the document; both count from 1, the column in bytes. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/**
 * Finds where the value at `path` is written in a well-formed TOML document.
 *
 * The parser doesn't say; this reads just enough of the grammar to find keys and the ends of
 * values. Returns the start of the document when the value can't be found.
 */
export function tomlPosition(document: string, path: ValuePath): Position {
  const offset = new TomlScanner(document, path).find() ?? 0;
  const lines = document.slice(0, offset).split("\n");
  return { line: lines.length, column: Buffer.byteLength(lines.at(-1) ?? "") + 1 };
}

const BARE_KEY = /[A-Za-z0-9_-]+/y;
const BASIC_STRING = /"(?:[^"\\\n]|\\.)*"/y;
const LITERAL_STRING = /'[^'\n]*'/y;
const LONG_STRING = /"""(?:[^\\]|\\.)*?"{3,5}|'''.*?'{3,5}/sy;
const SPACE = /[ \t]*/y;
const SPACE_AND_COMMENTS = /(?:\s|#[^\n]*)*/y;
const SCALAR = /[^\s,\]}#](?:[^,\]}#\n]*[^\s,\]}#])?/y;

class TomlScanner {
  readonly #document: string;
  readonly #wanted: string;
  /** Arrays of tables by their path, with the index of the element that is open. */
  readonly #openElements = new Map<string, number>();
  #at = 0;
  #headerOffset = 0;

  constructor(document: string, wanted: ValuePath) {
    this.#document = document;
    this.#wanted = pathKey(wanted);
  }

  find(): number | undefined {
    let table: ValuePath = [];
    for (;;) {
      this.#match(SPACE_AND_COMMENTS);
      if (this.#at >= this.#document.length) return undefined;
      if (this.#document[this.#at] === "[") {
        table = this.#header();
        // A header stands for its table: the place of the name inside the brackets.
        if (pathKey(table) === this.#wanted) return this.#headerOffset;
        continue;
      }
      const found = this.#keyValue(table);
      if (found !== undefined) return found;
    }
  }

  #header(): ValuePath {
    const isElement = this.#document.startsWith("[[", this.#at);
    this.#at += isElement ? 2 : 1;
    this.#match(SPACE);
    this.#headerOffset = this.#at;
    const keys = this.#keys();
    this.#skipPast(isElement ? "]]" : "]");
    const parents = keys.slice(0, isElement ? -1 : keys.length);
    const parent = parents.reduce<ValuePath>((path, key) => this.#enter(path, key), []);
    const [last] = keys.slice(-1);
    if (!isElement || last === undefined) return parent;
    const array = [...parent, last];
    const index = (this.#openElements.get(pathKey(array)) ?? -1) + 1;
    this.#openElements.set(pathKey(array), index);
    return [...array, index];
  }

  #enter(path: ValuePath, key: string): ValuePath {
    const next = [...path, key];
    const index = this.#openElements.get(pathKey(next));
    return index === undefined ? next : [...next, index];
  }

  #keyValue(table: ValuePath): number | undefined {
    const path = [...table, ...this.#keys()];
    this.#skipPast("=");
    this.#match(SPACE);
    return this.#value(path);
  }

  #value(path: ValuePath): number | undefined {
    if (pathKey(path) === this.#wanted) return this.#at;
    const opening = this.#document[this.#at];
    if (opening === "[") return this.#elements(path);
    if (opening === "{") return this.#inlineTable(path);
    if (this.#match(LONG_STRING) || this.#match(BASIC_STRING) || this.#match(LITERAL_STRING)) {
      return undefined;
    }
    // Whatever this is, going on by one character at least keeps the search finite.
    if (!this.#match(SCALAR)) this.#at++;
    return undefined;
  }

  #elements(path: ValuePath): number | undefined {
    return this.#list("]", (index) => this.#value([...path, index]));
  }

  #inlineTable(path: ValuePath): number | undefined {
    return this.#list("}", () => this.#keyValue(path));
  }

  #list(closing: string, member: (index: number) => number | undefined): number | undefined {
    this.#at++;
    for (let index = 0; this.#at < this.#document.length; index++) {
      this.#match(SPACE_AND_COMMENTS);
      if (this.#document[this.#at] === closing) break;
      const found = member(index);
      if (found !== undefined) return found;
      this.#match(SPACE_AND_COMMENTS);
      if (this.#document[this.#at] === ",") this.#at++;
    }
    this.#at++;
    return undefined;
  }

  /** A key, dotted or not, each part bare or quoted. */
  #keys(): readonly string[] {
    const keys: string[] = [];
    do {
      if (keys.length > 0) this.#at++;
      this.#match(SPACE);
      keys.push(this.#key());
      this.#match(SPACE);
    } while (this.#document[this.#at] === ".");
    return keys;
  }

  #key(): string {
    const start = this.#at;
    if (this.#match(BARE_KEY)) return this.#document.slice(start, this.#at);
    const isQuoted = this.#match(BASIC_STRING) || this.#match(LITERAL_STRING);
    return isQuoted ? this.#document.slice(start + 1, this.#at - 1) : "";
  }

  #skipPast(text: string): void {
    const index = this.#document.indexOf(text, this.#at);
    this.#at = index < 0 ? this.#document.length : index + text.length;
  }

  #match(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    const isMatch = pattern.test(this.#document);
    if (isMatch) this.#at = pattern.lastIndex;
    return isMatch;
  }
}

function pathKey(path: ValuePath): string {
  return JSON.stringify(path);
}
