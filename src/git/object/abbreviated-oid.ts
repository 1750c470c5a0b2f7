import { OID_HEX_LENGTH, type Oid } from "../oid/oid.ts";
import type { ObjectDatabase } from "./object-database.ts";
import { CorruptObjectError, ObjectNotFoundError } from "./object-error.ts";
import { peelTags } from "./peel.ts";

/** Fewer digits are never taken for an object id. */
export const ABBREVIATION_DIGITS_MIN = 4;

/** What an abbreviated id is used for: it decides between several objects that begin alike. */
export type OidContext = "any" | "commit" | "committish" | "tree" | "treeish" | "blob";

/** What an abbreviated id stands for. */
export type OidResolution =
  | { readonly kind: "unique"; readonly oid: Oid }
  | { readonly kind: "missing" }
  /** All objects that begin so, whatever their type, in their order. */
  | { readonly kind: "ambiguous"; readonly candidates: readonly Oid[] };

/**
 * Finds the object whose id begins with `prefix`, as git does: hexadecimal digits of either case,
 * at least four of them.
 *
 * Several objects are told apart by `context` when exactly one of them fits; a single one is taken
 * even if it doesn't.
 */
export function resolveAbbreviatedOid(
  objects: ObjectDatabase,
  prefix: string,
  context: OidContext = "any",
): OidResolution {
  if (prefix.length < ABBREVIATION_DIGITS_MIN || !/^[0-9a-fA-F]+$/.test(prefix)) {
    return { kind: "missing" };
  }
  const candidates = objects.oidsWithPrefix(withoutFill(objects, prefix.toLowerCase()));
  const [first] = candidates;
  if (first === undefined) return { kind: "missing" };
  if (candidates.length === 1) return { kind: "unique", oid: first };
  const fitting = context === "any" ? [] : candidates.filter((oid) => fits(objects, oid, context));
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return { kind: "unique", oid: only };
  return { kind: "ambiguous", candidates };
}

/** Git keeps ids of either format in as much space: the rest of a shorter one is zero. */
function withoutFill({ format }: ObjectDatabase, digits: string): string {
  const isFilled = digits.length <= OID_HEX_LENGTH.sha256;
  const length = OID_HEX_LENGTH[format];
  return isFilled && /^0+$/.test(digits.slice(length)) ? digits.slice(0, length) : digits;
}

function fits(objects: ObjectDatabase, oid: Oid, context: OidContext): boolean {
  const type = objects.header(oid)?.type;
  switch (context) {
    case "any":
      return true;
    case "commit":
    case "tree":
    case "blob":
      return type === context;
    case "committish":
      return peeledType(objects, oid) === "commit";
    case "treeish":
      return ["commit", "tree"].includes(peeledType(objects, oid) ?? "");
  }
}

/** A candidate that can't be read fits nothing, but isn't worth a failure. */
function peeledType(objects: ObjectDatabase, oid: Oid): string | undefined {
  try {
    return peelTags(objects, oid).type;
  } catch (error) {
    if (error instanceof ObjectNotFoundError || error instanceof CorruptObjectError)
      return undefined;
    throw error;
  }
}

/**
 * Returns the first digits of `oid`, at least `digitsMin`, that no other object begins with: what
 * git shows for `--short`.
 */
export function abbreviateOid(objects: ObjectDatabase, oid: Oid, digitsMin: number): string {
  for (let digits = Math.max(digitsMin, ABBREVIATION_DIGITS_MIN); digits < oid.length; digits++) {
    const prefix = oid.slice(0, digits);
    if (objects.oidsWithPrefix(prefix, 2).every((other) => other === oid)) return prefix;
  }
  return oid;
}
