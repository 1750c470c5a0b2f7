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
  let name = object;
  for (let suffix = lastStep(name); suffix !== undefined; suffix = lastStep(name)) {
    steps.push(suffix.step);
    name = name.slice(0, suffix.start);
  }
  steps.reverse();
  return { name, context: nameContext(steps, path), steps, path };
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
const NUMBERED = /([~^])(\d*)$/;
const PEEL = /^(commit|tag|tree|blob|object|)\}/;

/** The step at the end of a text, and where it begins. */
function lastStep(
  text: string,
): { readonly step: RevisionStep; readonly start: number } | undefined {
  const numbered = NUMBERED.exec(text);
  if (numbered !== null) {
    const [, sign, digits = ""] = numbered;
    const number = digits === "" ? 1 : Number(digits);
    if (number > NUMBER_MAX) return { step: { kind: "impossible" }, start: numbered.index };
    const step: RevisionStep =
      sign === "^" ? { kind: "parent", number } : { kind: "ancestor", count: number };
    return { step, start: numbered.index };
  }
  const start = text.endsWith("}") ? text.lastIndexOf("^{") : -1;
  // Git looks only at the beginning: "^{tree}x}" is "^{tree}".
  const target = start <= 0 ? undefined : PEEL.exec(text.slice(start + 2))?.[1];
  if (!isPeelTarget(target)) return undefined;
  return { step: { kind: "peel", target }, start };
}

function isPeelTarget(text: string | undefined): text is PeelTarget {
  return text !== undefined;
}
