import { type OidContext, resolveAbbreviatedOid } from "../object/abbreviated-oid.ts";
import type { ObjectDatabase } from "../object/object-database.ts";
import { OID_HEX_LENGTH, type Oid, parseOid } from "../oid/oid.ts";
import { parseRefName, type RefName } from "../ref/ref-name.ts";
import type { RefReader } from "../ref/ref-reader.ts";

/** What revisions are resolved against; a `GitRepository` is one. */
export interface RevisionSource {
  readonly objects: ObjectDatabase;
  readonly refs: RefReader;
}

/** What a name stands for. */
export type NameResolution = Oid | "missing" | "ambiguous";

/** Where git looks for a reference that isn't written in full, in this order. */
const EXPANSIONS: readonly (readonly [prefix: string, suffix: string])[] = [
  ["", ""],
  ["refs/", ""],
  ["refs/tags/", ""],
  ["refs/heads/", ""],
  ["refs/remotes/", ""],
  ["refs/remotes/", "/HEAD"],
];

/**
 * Resolves a name without steps and path: a full object id, which need not exist, a reference, the
 * output of git-describe, or an abbreviated object id.
 */
export function resolveName(
  source: RevisionSource,
  name: string,
  context: OidContext,
): NameResolution {
  const { objects, refs } = source;
  if (name.length === OID_HEX_LENGTH[objects.format]) {
    const oid = parseOid(name.toLowerCase());
    if (oid !== undefined) return oid;
  }
  const ref = findExpandedRef(refs, name);
  if (ref !== undefined) return ref.oid;
  const described = describedPrefix(name);
  if (described !== undefined) {
    const found = resolveAbbreviatedOid(objects, described, "commit");
    if (found.kind === "unique") return found.oid;
  }
  const found = resolveAbbreviatedOid(objects, name, context);
  return found.kind === "unique" ? found.oid : found.kind;
}

/** A reference found by a short form of its name, and what it resolves to. */
export interface ExpandedRef {
  /** The full name that was found, which may be that of a symbolic reference. */
  readonly name: RefName;
  readonly oid: Oid;
}

/** Finds the reference that git takes a short name for; `@` is HEAD. */
export function findExpandedRef(refs: RefReader, short: string): ExpandedRef | undefined {
  if (short === "") return undefined;
  const base = short === "@" ? "HEAD" : short;
  for (const [prefix, suffix] of EXPANSIONS) {
    const name = parseRefName(prefix + base + suffix, { oneLevel: true });
    const oid = name && refs.findOid(name);
    if (name !== undefined && oid !== undefined) return { name, oid };
  }
  return undefined;
}

/** The abbreviated id in `<name>-<number>-g<id>`; git takes hexadecimal digits for the number. */
function describedPrefix(name: string): string | undefined {
  const match = /^(.*)-[0-9a-fA-F]+-g([0-9a-fA-F]*)$/s.exec(name);
  const [, described = "", prefix] = match ?? [];
  return parseRefName(described, { oneLevel: true }) === undefined ? undefined : prefix;
}
