import { compileWildmatch, hasWildcard, literalPrefix } from "../wildmatch/wildmatch.ts";
import { parseQuoted } from "./parse-quoted.ts";

/** What a line says of an attribute: set, unset (`-name`), left open (`!name`), or its value. */
export type AttributeState = true | false | "open" | { readonly value: string };

/** An attribute that a line speaks of. */
export interface AttributeSetting {
  readonly name: string;
  readonly state: AttributeState;
}

/** One line of a file of attributes. */
export interface AttributeRule {
  /** Takes a path from the root of the repository. */
  readonly matches: (path: string) => boolean;
  readonly settings: readonly AttributeSetting[];
}

/** The lines of one file of attributes. All text is binary strings. */
export interface AttributeRules {
  /** In the order of the file: later ones win. */
  readonly rules: readonly AttributeRule[];
  /** `[attr]name` lines: what else is said when `name` is set. Later ones have won. */
  readonly macros: ReadonlyMap<string, readonly AttributeSetting[]>;
}

/** Longer lines are ignored. */
const LINE_BYTES_MAX = 2048;

const MACRO = "[attr]";
const NAME = /^[A-Za-z0-9_.][-A-Za-z0-9_.]*$/;
const BLANK = " \t\r\n";

/**
 * Parses a file of attributes, see gitattributes(5).
 *
 * @param folder where the file stands, with a slash at its end unless it is the root; lines speak
 *   of what is below
 * @param text a binary string
 * @param allowsMacros only files that hold for the whole repository may define macros
 */
export function parseAttributeRules(
  folder: string,
  text: string,
  allowsMacros: boolean,
): AttributeRules {
  const rules: AttributeRule[] = [];
  const macros = new Map<string, readonly AttributeSetting[]>();
  const withoutMark = text.startsWith("\xef\xbb\xbf") ? text.slice(3) : text;
  for (const line of withoutMark.split("\n")) {
    if (line.length >= LINE_BYTES_MAX) continue;
    // Git's lines end at the first NUL.
    const [content = ""] = line.split("\0", 1);
    const parsed = parseLine(content);
    if (parsed === undefined) continue;
    const { pattern, settings } = parsed;
    if (pattern.startsWith(MACRO) && pattern.length > MACRO.length) {
      const name = pattern.slice(MACRO.length);
      if (allowsMacros && isName(name)) macros.set(name, settings);
      continue;
    }
    const matches = compilePattern(folder, pattern);
    if (matches !== undefined) rules.push({ matches, settings });
  }
  return { rules, macros };
}

function parseLine(
  line: string,
): { pattern: string; settings: readonly AttributeSetting[] } | undefined {
  let start = 0;
  while (start < line.length && BLANK.includes(line.charAt(start))) start++;
  const text = line.slice(start);
  if (text === "" || text.startsWith("#")) return undefined;
  const quoted = text.startsWith('"') ? parseQuoted(text) : undefined;
  const end = quoted?.end ?? wordEnd(text, 0);
  const pattern = quoted?.text ?? text.slice(0, end);
  const settings = parseSettings(text.slice(end));
  return settings && { pattern, settings };
}

function wordEnd(text: string, start: number): number {
  let end = start;
  while (end < text.length && !BLANK.includes(text.charAt(end))) end++;
  return end;
}

/** A line with a name that can't be one is ignored as a whole. */
function parseSettings(text: string): AttributeSetting[] | undefined {
  const settings: AttributeSetting[] = [];
  for (const word of text.split(/[ \t\r\n]+/)) {
    if (word === "") continue;
    const sign = word.startsWith("-") || word.startsWith("!") ? word.charAt(0) : "";
    const [name = ""] = word.slice(sign.length).split("=", 1);
    if (!isName(name)) return undefined;
    settings.push({ name, state: stateOf(sign, name, word) });
  }
  return settings;
}

function isName(name: string): boolean {
  return NAME.test(name) && !name.startsWith("builtin_");
}

function stateOf(sign: string, name: string, word: string): AttributeState {
  if (sign === "-") return false;
  if (sign === "!") return "open";
  return word.length === name.length ? true : { value: word.slice(name.length + 1) };
}

/** `undefined` for a pattern that no file can match, such as one that is negated. */
function compilePattern(folder: string, pattern: string): AttributeRule["matches"] | undefined {
  if (pattern.startsWith("!") || pattern.endsWith("/")) return undefined;
  if (!pattern.includes("/")) return nameMatcher(folder, pattern);
  const relative = pattern.startsWith("/") ? pattern.slice(1) : pattern;
  if (!hasWildcard(relative)) return (path) => path === folder + relative;
  // Most paths are elsewhere, so most patterns needn't be compiled.
  const prefix = folder + literalPrefix(relative);
  let matches: ((text: string) => boolean) | undefined;
  return (path) => {
    if (!path.startsWith(prefix)) return false;
    matches ??= compileWildmatch(relative, { pathname: true });
    return matches(path.slice(folder.length));
  };
}

function nameMatcher(folder: string, pattern: string): AttributeRule["matches"] {
  const matches = nameTest(pattern);
  return (path) => path.startsWith(folder) && matches(path.slice(path.lastIndexOf("/") + 1));
}

function nameTest(pattern: string): (name: string) => boolean {
  if (!hasWildcard(pattern)) return (name) => name === pattern;
  const rest = pattern.slice(1);
  if (pattern.startsWith("*") && !hasWildcard(rest)) return (name) => name.endsWith(rest);
  return compileWildmatch(pattern);
}
