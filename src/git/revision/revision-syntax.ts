import type { OidContext } from "../object/abbreviated-oid.ts";

/** Types that `^{…}` asks for; "" is `^{}`, which only follows tags. */
export type PeelTarget = "commit" | "tag" | "tree" | "blob" | "object" | "";

/** One step from an object to another, as written behind a name. */
export type RevisionStep =
  /** `^2`: the second parent; 0 is the commit itself. */
  | { readonly kind: "parent"; readonly number: number }
  /** `~3`: three times the first parent. */
  | { readonly kind: "ancestor"; readonly count: number }
  /** `^{tree}` */
  | { readonly kind: "peel"; readonly target: PeelTarget }
  /** One that git can't take: a number too large. */
  | { readonly kind: "impossible" };

/** A revision taken apart. All texts are binary strings. */
export interface RevisionSyntax {
  /** A reference, an object id or one of their short forms. */
  readonly name: string;
  /** What an abbreviated object id is taken for, when the steps or the path say so. */
  readonly context: OidContext | undefined;
  /** In the order in which they are taken. */
  readonly steps: readonly RevisionStep[];
  /** What stands behind the colon; undefined without one. */
  readonly path: string | undefined;
}

/**
 * Takes a revision apart as gitrevisions describes it.
 *
 * Returns undefined for what only git can answer: reflogs, upstreams and former branches (`@{…}`),
 * searches (`:/text`, `^{/text}`), the index (`:path`), paths relative to a worktree, and what names
 * several objects (`a..b`, `^a`, `a^@`, `a^!`, `a^-`, `--all`).
 */
export function parseRevisionSyntax(revision: string): RevisionSyntax | undefined {
  // Git looks for "@{" even behind the colon.
  if (revision.includes("@{")) return undefined;
  const colon = pathColon(revision);
  const object = colon < 0 ? revision : revision.slice(0, colon);
  const path = colon < 0 ? undefined : revision.slice(colon + 1);
  if (needsGit(object) || (path !== undefined && (object === "" || /^\.\.?\//.test(path)))) {
    return undefined;
  }
  const steps: RevisionStep[] = [];
  let end = object.length;
  for (let last = stepBefore(object, end); last !== undefined; last = stepBefore(object, end)) {
    steps.push(last.step);
    end = last.start;
  }
  steps.reverse();
  return { name: object.slice(0, end), context: nameContext(steps, path), steps, path };
}

function needsGit(object: string): boolean {
  if (object.startsWith("^") || object.startsWith("-")) return true;
  return /\^\{\/|\.\.|\^[@!]$|\^-\d*$/.test(object);
}

/** The colon before the path: the first one outside of the braces of steps. */
function pathColon(revision: string): number {
  if (!revision.includes(":")) return -1;
  let depth = 0;
  for (let index = 0; index < revision.length; index++) {
    const character = revision[index];
    if (character === "^" && revision[index + 1] === "{") {
      index++;
      depth++;
    } else if (character === "}") {
      depth = Math.max(0, depth - 1);
    } else if (character === ":" && depth === 0) {
      return index;
    }
  }
  return -1;
}

/** A hint for git's choice among objects whose ids begin alike: what the first step needs. */
function nameContext(
  steps: readonly RevisionStep[],
  path: string | undefined,
): OidContext | undefined {
  const [first] = steps;
  if (first === undefined) return path === undefined ? undefined : "treeish";
  if (first.kind !== "peel" || first.target === "commit") return "committish";
  return first.target === "tree" ? "treeish" : "any";
}

const NUMBER_MAX = 2_147_483_647;
const PEEL_TARGETS: readonly PeelTarget[] = ["commit", "tag", "tree", "blob", "object", ""];

interface PlacedStep {
  readonly step: RevisionStep;
  readonly start: number;
}

/** The step that ends at `end`, and where it begins. */
function stepBefore(text: string, end: number): PlacedStep | undefined {
  return text[end - 1] === "}" ? peelBefore(text, end) : numberedBefore(text, end);
}

function peelBefore(text: string, end: number): PlacedStep | undefined {
  const start = text.lastIndexOf("^{", end - 1);
  if (start <= 0) return undefined;
  // Git looks only at the beginning: "^{tree}x}" is "^{tree}".
  const target = PEEL_TARGETS.find((type) => text.startsWith(`${type}}`, start + 2));
  return target === undefined ? undefined : { step: { kind: "peel", target }, start };
}

function numberedBefore(text: string, end: number): PlacedStep | undefined {
  let digits = end;
  while (isDigit(text.charCodeAt(digits - 1))) digits--;
  const start = digits - 1;
  const sign = text[start];
  if (sign !== "^" && sign !== "~") return undefined;
  const number = digits === end ? 1 : Number(text.slice(digits, end));
  if (number > NUMBER_MAX) return { step: { kind: "impossible" }, start };
  const step: RevisionStep =
    sign === "^" ? { kind: "parent", number } : { kind: "ancestor", count: number };
  return { step, start };
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
