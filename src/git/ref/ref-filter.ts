import { compileWildmatch, hasWildcard, literalPrefix } from "../wildmatch/wildmatch.ts";
import type { RefListOptions } from "./ref-reader.ts";

/**
 * Says which names `git for-each-ref` lists for patterns.
 *
 * A pattern matches the name it spells, everything below it (`refs/heads` or `refs/heads/`), and as
 * a wildcard what wildmatch finds, where `*` doesn't match a slash.
 */
export class RefFilter {
  /** All listed names start with one of these; sorted, none starts with another. */
  readonly prefixes: readonly string[];
  readonly #after: string;
  readonly #patterns: RefMatcher | undefined;
  readonly #exclude: RefMatcher | undefined;

  constructor({ prefixes = [], patterns = [], exclude = [], after = "" }: RefListOptions) {
    const literals = prefixes.length > 0 ? prefixes : patterns.map(literalPrefix);
    this.prefixes = literals.length > 0 ? withoutNested(literals) : [""];
    this.#after = after;
    this.#patterns = patterns.length > 0 ? matcher(patterns) : undefined;
    this.#exclude = exclude.length > 0 ? matcher(exclude) : undefined;
  }

  /** Tells whether a name with one of the prefixes is listed. */
  matches(name: string): boolean {
    if (name <= this.#after) return false;
    return (this.#patterns?.(name) ?? true) && !(this.#exclude?.(name) ?? false);
  }
}

type RefMatcher = (name: string) => boolean;

function matcher(patterns: readonly string[]): RefMatcher {
  const matchers = patterns.map(patternMatcher);
  return (name) => matchers.some((matches) => matches(name));
}

function patternMatcher(pattern: string): RefMatcher {
  if (!hasWildcard(pattern)) return (name) => isAtOrBelow(name, pattern);
  const wildmatch = compileWildmatch(pattern, { pathname: true });
  return (name) => isAtOrBelow(name, pattern) || wildmatch(name);
}

function isAtOrBelow(name: string, pattern: string): boolean {
  if (!name.startsWith(pattern)) return false;
  return name.length === pattern.length || name[pattern.length] === "/" || pattern.endsWith("/");
}

function withoutNested(prefixes: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (const prefix of [...prefixes].sort()) {
    const last = kept.at(-1);
    if (last === undefined || !prefix.startsWith(last)) kept.push(prefix);
  }
  return kept;
}
