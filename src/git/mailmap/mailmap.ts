import { isTextAt } from "../object/byte-text.ts";
import { parseIdentity } from "../object/identity.ts";

/** What an identity is shown as; a missing part stays as it is. */
interface Replacement {
  name: Buffer | undefined;
  email: Buffer | undefined;
}

interface EmailEntry {
  /** Applies whatever the name is. */
  readonly simple: Replacement;
  /** Applies to one name of those who used the address; keys are folded. */
  readonly byName: Map<string, Replacement>;
}

const PERSON_KEYS = ["author ", "committer ", "tagger "];

/** People that are remembered, some hundred bytes each. */
const PEOPLE_MAX = 512;

const USUAL_DATE = Buffer.from("> 0 +0000");

const NUL = 0x00;
const NEWLINE = 0x0a;
const HASH = 0x23;
const LESS_THAN = 0x3c;
const GREATER_THAN = 0x3e;

/**
 * The names and addresses that stand in for those in commits and tags (gitmailmap).
 *
 * Names and addresses are bytes; the case of ASCII letters makes no difference in a search.
 */
export class Mailmap {
  readonly #entries = new Map<string, EmailEntry>();
  /** Answers of `findPerson`. */
  readonly #people = new Map<string, Buffer | undefined>();
  /** The answer before: authors commit what they wrote, and one person makes all tags. */
  #latest: { readonly name: Buffer; readonly person: Buffer | undefined } = {
    name: Buffer.alloc(0),
    person: undefined,
  };

  /** Reads the content of a mailmap file. Lines that aren't understood are passed over, as by git. */
  constructor(content: Buffer) {
    const nul = content.indexOf(NUL);
    const end = nul < 0 ? content.length : nul;
    for (let line = 0; line < end; ) {
      const newline = content.indexOf(NEWLINE, line);
      const next = newline < 0 ? end : Math.min(newline, end);
      this.#addLine(content.subarray(line, next));
      line = next + 1;
    }
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /**
   * Rewrites the value of an `author`, `committer` or `tagger` line: `name <email> date zone`.
   * Returns `line` itself when nothing is to be replaced.
   */
  rewrite(line: Buffer): Buffer {
    const identity = parseIdentity(line);
    if (identity === undefined) return line;
    const { name, email } = identity;
    const found = this.#find(name, email);
    if (found === undefined) return line;
    const rest = line.subarray(line.indexOf(GREATER_THAN, line.indexOf(LESS_THAN)));
    return Buffer.concat([found.name ?? name, OPEN, found.email ?? email, rest]);
  }

  /**
   * Finds what stands in for the part `name <email` of a line, between two offsets of `content`;
   * undefined when nothing does. What was found is remembered: lists name few people many times.
   */
  findPerson(content: Buffer, from: number, to: number): Buffer | undefined {
    const { name, person } = this.#latest;
    if (to - from === name.length && isSame(content, from, name)) return person;
    const found = this.#recall(content, from, to);
    this.#latest = { name: Buffer.from(content.subarray(from, to)), person: found };
    return found;
  }

  #recall(content: Buffer, from: number, to: number): Buffer | undefined {
    const key = content.toString("latin1", from, to);
    const known = this.#people.get(key);
    if (known !== undefined || this.#people.has(key)) return known;
    const line = Buffer.concat([content.subarray(from, to), USUAL_DATE]);
    const rewritten = this.rewrite(line);
    const person = rewritten === line ? undefined : rewritten.subarray(0, -USUAL_DATE.length);
    if (this.#people.size >= PEOPLE_MAX) this.#people.clear();
    this.#people.set(key, person);
    return person;
  }

  /**
   * Rewrites all `author`, `committer` and `tagger` lines of a commit or tag. Returns `content` itself
   * when nothing is to be replaced.
   */
  rewriteHeaders(content: Buffer): Buffer {
    const pieces: Buffer[] = [];
    let copied = 0;
    for (let line = 0; line < content.length && content[line] !== NEWLINE; ) {
      const newline = content.indexOf(NEWLINE, line);
      const end = newline < 0 ? content.length : newline;
      const key = PERSON_KEYS.find((prefix) => isTextAt(content, line, prefix));
      if (key !== undefined) {
        const value = content.subarray(line + key.length, end);
        const rewritten = this.rewrite(value);
        if (rewritten !== value) {
          pieces.push(content.subarray(copied, line + key.length), rewritten);
          copied = end;
        }
      }
      line = end + 1;
    }
    if (copied === 0) return content;
    return Buffer.concat([...pieces, content.subarray(copied)]);
  }

  #find(name: Buffer, email: Buffer): Replacement | undefined {
    const entry = this.#entries.get(fold(email));
    if (entry === undefined) return undefined;
    const { byName, simple } = entry;
    const found = (byName.size > 0 ? byName.get(fold(name)) : undefined) ?? simple;
    return found.name === undefined && found.email === undefined ? undefined : found;
  }

  #addLine(line: Buffer): void {
    if (line[0] === HASH) return;
    const first = parsePerson(line, 0, false);
    if (first === undefined) return;
    const second = first.end < line.length ? parsePerson(line, first.end, true) : undefined;
    if (second === undefined) this.#add(first.name, undefined, undefined, first.email);
    else this.#add(first.name, first.email, second.name, second.email);
  }

  #add(
    newName: Buffer | undefined,
    newEmail: Buffer | undefined,
    oldName: Buffer | undefined,
    oldEmail: Buffer,
  ): void {
    const key = fold(oldEmail);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { simple: { name: undefined, email: undefined }, byName: new Map() };
      this.#entries.set(key, entry);
    }
    if (oldName === undefined) {
      entry.simple.name = newName ?? entry.simple.name;
      entry.simple.email = newEmail ?? entry.simple.email;
    } else {
      entry.byName.set(fold(oldName), { name: newName, email: newEmail });
    }
  }
}

const OPEN = Buffer.from(" <");

interface Person {
  readonly name: Buffer | undefined;
  readonly email: Buffer;
  /** Where the rest of the line begins. */
  readonly end: number;
}

function parsePerson(line: Buffer, start: number, mayLackEmail: boolean): Person | undefined {
  const open = line.indexOf(LESS_THAN, start);
  if (open < 0) return undefined;
  const close = line.indexOf(GREATER_THAN, open + 1);
  if (close < 0 || (close === open + 1 && !mayLackEmail)) return undefined;
  let nameStart = start;
  while (nameStart < open && isSpace(line[nameStart])) nameStart++;
  let nameEnd = open;
  while (nameEnd > nameStart && isSpace(line[nameEnd - 1])) nameEnd--;
  return {
    name: nameEnd > nameStart ? line.subarray(nameStart, nameEnd) : undefined,
    email: line.subarray(open + 1, close),
    end: close + 1,
  };
}

/** The key of a search without regard to the case of ASCII letters. */
function fold(bytes: Buffer): string {
  return bytes.toString("latin1").replace(UPPER_CASE, (letters) => letters.toLowerCase());
}

const UPPER_CASE = /[A-Z]+/g;

/** Git's own notion of white space. */
function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

function isSame(content: Buffer, from: number, name: Buffer): boolean {
  for (let index = 0; index < name.length; index++) {
    if (content[from + index] !== name[index]) return false;
  }
  return true;
}
