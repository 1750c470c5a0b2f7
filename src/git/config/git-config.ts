import { DomainError } from "../../base/error/domain-error.ts";
import type { ConfigEntry } from "./config-entry.ts";
import { ConfigParser } from "./config-parser.ts";

/** A configuration file breaks git's syntax. */
export class CorruptConfigError extends DomainError {
  constructor(line: number) {
    super("failed-precondition", "bad config line", { metadata: { line } });
  }
}

/**
 * The settings of one configuration file, in git's syntax.
 *
 * Files that it includes aren't followed: what decides how a repository is read has to stand in
 * its own file for git, too.
 */
export class GitConfig {
  readonly entries: readonly ConfigEntry[];
  readonly #values = new Map<string, (string | null)[]>();

  constructor(entries: readonly ConfigEntry[]) {
    this.entries = entries;
    for (const { name, value } of entries) {
      const values = this.#values.get(name);
      if (values === undefined) this.#values.set(name, [value]);
      else values.push(value);
    }
  }

  /** Parses a file's bytes. Throws `CorruptConfigError`. */
  static parse(bytes: Uint8Array): GitConfig {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
    const parser = new ConfigParser(text);
    const entries = parser.parse();
    if (entries === undefined) throw new CorruptConfigError(parser.line);
    return new GitConfig(entries);
  }

  /** The value that counts, which is the last one. `name` as in `ConfigEntry`. */
  get(name: string): string | null | undefined {
    return this.#values.get(name)?.at(-1);
  }

  /** All values in the order of the file. */
  getAll(name: string): readonly (string | null)[] {
    return this.#values.get(name) ?? [];
  }

  /** The value as a truth value; `undefined` when it isn't set or is none. */
  getBoolean(name: string): boolean | undefined {
    const value = this.get(name);
    return value === undefined ? undefined : parseConfigBoolean(value);
  }

  /** The value as a whole number with an optional unit; `undefined` when it isn't set or is none. */
  getInteger(name: string): number | undefined {
    const value = this.get(name);
    return typeof value === "string" ? parseConfigInteger(value) : undefined;
  }
}

/** Reads a truth value as git does: words, or a number that is zero or not. */
export function parseConfigBoolean(value: string | null): boolean | undefined {
  if (value === null) return true;
  if (value === "" || /^(?:false|no|off)$/i.test(value)) return false;
  if (/^(?:true|yes|on)$/i.test(value)) return true;
  const number = parseConfigInteger(value);
  return number === undefined ? undefined : number !== 0;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Reads a whole number in C's notation with an optional unit: `k`, `m` or `g`. */
export function parseConfigInteger(value: string): number | undefined {
  const match = /^[ \t\n\v\f\r]*([+-]?)(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)([kmg]?)$/i.exec(value);
  if (match === null) return undefined;
  const [, sign, digits = "", unit = ""] = match;
  const isOctal = /^0[0-7]/.test(digits);
  const amount = isOctal ? Number.parseInt(digits, 8) : Number(digits);
  const number = amount * (UNITS[unit.toLowerCase()] ?? 1) * (sign === "-" ? -1 : 1);
  return Number.isSafeInteger(number) ? number : undefined;
}
