import { DurationSyntaxError, parseDuration } from "../../base/text/duration-text.ts";
import { ConfigValueError, type ValuePath } from "./config-error.ts";

/**
 * A value as a parser has left it, with the format that it was written in.
 *
 * TOML's integers arrive as bigint, JSON's as number.
 */
export interface Source {
  readonly format: "toml" | "json";
  readonly value: unknown;
  readonly path: ValuePath;
}

/** How one key is read. Made by `text`, `integer`, `table` and the like below. */
export interface Field<T> {
  readonly toml: string;
  readonly json: string;
  /** `previous` is what the field holds so far; tables merge into it, everything else replaces. */
  decode(source: Source, previous: T): T;
}

/** The keys of a table: one field for each property of its type. */
export type Fields<T> = { readonly [K in keyof T]-?: Field<T[K]> };

/** The JSON output of `config_command` names some keys differently. */
interface Naming {
  readonly json?: string;
}

type Decode<T> = (source: Source, previous: T) => T;

function field<T>(toml: string, naming: Naming, decode: Decode<T>): Field<T> {
  return { toml, json: naming.json ?? toml, decode };
}

export function text(key: string, naming: Naming = {}): Field<string> {
  return field(key, naming, decodeText);
}

export function truth(key: string, naming: Naming = {}): Field<boolean> {
  return field(key, naming, (source) => {
    if (typeof source.value === "boolean") return source.value;
    throw mismatch(source, "bool");
  });
}

/** Types of whole numbers, which clients only see in what is said of values that don't fit. */
type IntegerType = "int" | "int64";
type CountType = "uint" | "uint64";

/** A whole number that may be negative. */
export function integer(
  key: string,
  { type = "int", ...naming }: Naming & { readonly type?: IntegerType } = {},
): Field<number> {
  return field(key, naming, (source) => decodeInteger(source, type));
}

/** A whole number from 0 up. */
export function count(
  key: string,
  { type = "uint", ...naming }: Naming & { readonly type?: CountType } = {},
): Field<number> {
  return field(key, naming, (source) => {
    const number = decodeInteger(source, type);
    if (number >= 0) return number;
    throw new ConfigValueError(`toml: negative number ${number} does not fit in an ${type}`);
  });
}

export function decimal(key: string, naming: Naming = {}): Field<number> {
  return field(key, naming, decodeDecimal);
}

/** A duration such as `1m30s`, kept in milliseconds. */
export function duration(key: string, naming: Naming = {}): Field<number> {
  return field(key, naming, (source) => {
    const written = source.format === "toml" ? scalarText(source.value) : jsonText(source);
    if (written === undefined) throw mismatch(source, "duration");
    try {
      return parseDuration(written);
    } catch (error) {
      if (!(error instanceof DurationSyntaxError)) throw error;
      throw new ConfigValueError(prefixed(source, error.message), source.path);
    }
  });
}

/** A text that must be one of the keys of `values`. */
export function choice<T>(
  key: string,
  values: ReadonlyMap<string, T>,
  refusal: (written: string) => string,
): Field<T> {
  return field<T>(key, {}, (source) => {
    const written = source.format === "toml" ? scalarText(source.value) : jsonText(source);
    if (written === undefined) throw mismatch(source, "string");
    const value = values.get(written);
    if (value !== undefined) return value;
    throw new ConfigValueError(prefixed(source, refusal(written)), source.path);
  });
}

/** A property that no key fills. */
export function unwritten<T>(): Field<T> {
  return field<T>("", {}, (_source, previous) => previous);
}

export function texts(key: string, naming: Naming = {}): Field<readonly string[]> {
  return list(key, naming, decodeText, "");
}

export function decimals(key: string, naming: Naming = {}): Field<readonly number[]> {
  return list(key, naming, decodeDecimal, 0);
}

/** A table within a table; its keys merge into what is there. */
export function table<T extends object>(
  key: string,
  fields: Fields<T>,
  naming: Naming = {},
): Field<T> {
  return field<T>(key, naming, (source, previous) => decodeTable(fields, source, previous));
}

/** An array of tables, each starting from `empty`. */
export function tables<T extends object>(
  key: string,
  fields: Fields<T>,
  empty: T,
  naming: Naming = {},
): Field<readonly T[]> {
  return list<T>(key, naming, (source, previous) => decodeTable(fields, source, previous), empty);
}

function list<T>(key: string, naming: Naming, decode: Decode<T>, empty: T): Field<readonly T[]> {
  return field<readonly T[]>(key, naming, (source) => {
    if (!Array.isArray(source.value)) throw mismatch(source, "array");
    const values: readonly unknown[] = source.value;
    return values.map((value, index) =>
      decode({ ...source, value, path: [...source.path, index] }, empty),
    );
  });
}

/**
 * Reads the keys of a table into a copy of `previous`.
 *
 * Keys are matched without regard to case, and keys that nobody knows are passed over, both as the
 * reference server does. Throws ConfigValueError at the first value of a wrong type.
 */
export function decodeTable<T extends object>(fields: Fields<T>, source: Source, previous: T): T {
  if (!isTable(source.value)) throw mismatch(source, "table");
  const names = fieldNames(fields, source.format);
  const next = { ...previous };
  const decodeInto = <K extends keyof T>(name: K, from: Source): void => {
    next[name] = fields[name].decode(from, next[name]);
  };
  for (const [key, value] of Object.entries(source.value)) {
    const name = names.get(key.toLowerCase());
    // In JSON, null stands for "leave it as it is".
    if (name === undefined || value === null) continue;
    decodeInto(name, { ...source, value, path: [...source.path, key] });
  }
  return next;
}

function fieldNames<T>(fields: Fields<T>, format: Source["format"]): Map<string, keyof T> {
  const names = new Map<string, keyof T>();
  for (const name in fields) {
    const key = fields[name][format].toLowerCase();
    if (key !== "") names.set(key, name);
  }
  return names;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isDate(value);
}

function isDate(value: unknown): value is Date {
  return value instanceof Date;
}

function decodeText(source: Source): string {
  if (typeof source.value === "string") return source.value;
  throw mismatch(source, "string");
}

function decodeInteger(source: Source, type: string): number {
  const { value } = source;
  if (typeof value === "bigint") {
    if (BigInt.asIntN(64, value) === value) return Number(value);
    const reason = `strconv.ParseInt: parsing "${value}": value out of range`;
    throw new ConfigValueError(`toml: couldn't parse decimal number: ${reason}`, source.path);
  }
  if (source.format === "json" && Number.isInteger(value)) return Number(value);
  throw mismatch(source, type);
}

function decodeDecimal(source: Source): number {
  const { value } = source;
  if (typeof value === "number" || typeof value === "bigint") return Number(value);
  throw mismatch(source, "float64");
}

function scalarText(value: unknown): string | undefined {
  const isScalar = ["string", "bigint", "number", "boolean"].includes(typeof value);
  return isScalar ? `${value}` : undefined;
}

function jsonText({ value }: Source): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function prefixed(source: Source, message: string): string {
  return source.format === "toml" ? `toml: ${message}` : message;
}

/** The reference server words each mismatch after the type that it found. */
function mismatch(source: Source, wanted: string): ConfigValueError {
  const found = typeName(source.value);
  const key = source.path.filter((part) => typeof part === "string").join(".");
  if (source.format === "json") {
    const kind = found === "float" ? "number" : found;
    return new ConfigValueError(`json: cannot unmarshal ${kind} into ${key} of type ${wanted}`);
  }
  if (found === "array") {
    return new ConfigValueError(`toml: cannot decode TOML array into ${key} of type ${wanted}`);
  }
  return new ConfigValueError(mismatchMessage(found, source.value, key, wanted), source.path);
}

function mismatchMessage(found: string, value: unknown, key: string, wanted: string): string {
  if (found === "boolean") return `toml: cannot assign boolean to a ${String(value)}`;
  if (found === "float") return `toml: float cannot be assigned to ${wanted}`;
  if (found === "table") {
    if (wanted === "array") return "toml: cannot store a table in a slice";
    return `toml: cannot store inline table in Go type ${wanted}`;
  }
  return `toml: cannot decode TOML ${found} into ${key} of type ${wanted}`;
}

function typeName(value: unknown): string {
  if (typeof value === "bigint") return "integer";
  if (typeof value === "number") return "float";
  if (Array.isArray(value)) return "array";
  if (isDate(value)) return "datetime";
  return typeof value === "object" ? "table" : typeof value;
}
