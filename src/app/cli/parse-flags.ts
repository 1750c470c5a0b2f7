/** One flag of a command. */
export interface FlagDefinition {
  /** `texts` may be given more than once, and with commas. */
  readonly kind: "text" | "truth" | "number" | "texts";
  readonly usage: string;
  /** What counts when the flag isn't given. */
  readonly value?: string;
  /** Another, shorter name. */
  readonly short?: string;
  /** The command doesn't run without it. */
  readonly isRequired?: boolean;
}

/** The flags of a command by their names. */
export type FlagDefinitions = Readonly<Record<string, FlagDefinition>>;

/** What the flags of a command line say. */
export interface Flags {
  /** The value of a text flag; empty when it isn't given and has no value of its own. */
  text(name: string): string;
  texts(name: string): readonly string[];
  truth(name: string): boolean;
  /** A whole number; 0 when the flag isn't given and has no value of its own. */
  number(name: string): number;
}

/** The arguments don't fit the flags of the command. */
export class UsageError extends Error {}

export interface ParsedFlags {
  readonly flags: Flags;
  /** What is no flag, in order. */
  readonly args: readonly string[];
}

/**
 * Takes the flags out of `argv`, wherever they stand before `--`.
 *
 * One dash or two make no difference; a value follows after `=` or as the next argument. With
 * `stopAt`, the first argument that it accepts ends the search and everything after it is left
 * alone. Throws UsageError.
 */
export function parseFlags(
  argv: readonly string[],
  definitions: FlagDefinitions,
  stopAt: (arg: string) => boolean = () => false,
): ParsedFlags {
  const values = new Map<string, string>();
  const given = new Map<string, string>();
  for (const [name, { value }] of Object.entries(definitions)) {
    if (value !== undefined) values.set(name, value);
  }
  const args: string[] = [];
  const rest = argv.values();
  for (const arg of rest) {
    if (arg === "--") {
      args.push(...rest);
    } else if (arg.startsWith("-") && arg !== "-") {
      takeFlag(arg, rest, definitions, given);
    } else {
      args.push(arg);
      if (args.length === 1 && stopAt(arg)) args.push(...rest);
    }
  }
  return finish(new Map([...values, ...given]), args);
}

function takeFlag(
  arg: string,
  rest: Iterator<string>,
  definitions: FlagDefinitions,
  values: Map<string, string>,
): void {
  const [written, inline] = splitFlag(arg);
  const [name, definition] = findFlag(written, definitions);
  if (definition.kind === "truth") {
    values.set(name, truthValue(name, inline));
    return;
  }
  const next = inline === undefined ? rest.next() : { done: false, value: inline };
  if (next.done === true) throw new UsageError(`flag needs an argument: ${dashed(written)}`);
  if (definition.kind === "number") checkNumber(name, next.value);
  const earlier = definition.kind === "texts" ? values.get(name) : undefined;
  values.set(name, earlier === undefined ? next.value : `${earlier},${next.value}`);
}

function checkNumber(name: string, value: string): void {
  if (/^[+-]?\d+$/.test(value)) return;
  const problem = `strconv.ParseInt: parsing "${value}": invalid syntax`;
  throw new UsageError(`invalid value "${value}" for flag -${name}: ${problem}`);
}

function finish(values: ReadonlyMap<string, string>, args: readonly string[]): ParsedFlags {
  const flags: Flags = {
    text: (name) => values.get(name) ?? "",
    texts: (name) => values.get(name)?.split(",") ?? [],
    truth: (name) => values.get(name) === "true",
    number: (name) => Number(values.get(name) ?? 0),
  };
  return { flags, args };
}

function splitFlag(arg: string): [string, string | undefined] {
  const bare = arg.replace(/^--?/, "");
  const separator = bare.indexOf("=");
  if (separator < 0) return [bare, undefined];
  return [bare.slice(0, separator), bare.slice(separator + 1)];
}

function findFlag(written: string, definitions: FlagDefinitions): [string, FlagDefinition] {
  for (const [name, definition] of Object.entries(definitions)) {
    if (written === name || written === definition.short) return [name, definition];
  }
  throw new UsageError(`flag provided but not defined: -${written}`);
}

function truthValue(name: string, value = "true"): string {
  if (/^(1|t|true)$/i.test(value)) return "true";
  if (/^(0|f|false)$/i.test(value)) return "false";
  throw new UsageError(`invalid value "${value}" for flag -${name}: parse error`);
}

/** A flag as it is typed. */
export function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}
