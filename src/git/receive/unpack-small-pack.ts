import type { ObjectDatabase } from "../object/object-database.ts";
import { CorruptObjectError, ObjectTooLargeError } from "../object/object-error.ts";
import { hashObject } from "../object/object-hash.ts";
import type { GitObject, ObjectType } from "../object/object-type.ts";
import type { Oid } from "../oid/oid.ts";
import { applyDelta, parseDeltaSizes } from "../pack/delta.ts";
import { canonicalCommitLinks, canonicalTagLinks } from "./canonical-headers.ts";
import { isCanonicalSpecialFile } from "./canonical-special-file.ts";
import { canonicalTreeLinks, type SpecialFile } from "./canonical-tree.ts";
import { SMALL_PACK_BYTES_MAX, type SmallPackEntry } from "./small-pack-reader.ts";

/** An object of a pack. */
export interface UnpackedObject {
  readonly type: ObjectType;
  readonly content: Buffer;
}

/** Deltas upon deltas, from an object that isn't one. Git makes 50 at most, if not told otherwise. */
const DELTA_DEPTH_MAX = 50;

/** Git takes shorter deltas for damaged ones. */
const DELTA_BYTES_MIN = 4;

/**
 * Makes the objects of a small pack and looks at them as `git unpack-objects --strict` does: none
 * gives a reason for complaint, and what they link to is there, in the pack or in the repository.
 *
 * Undefined when that isn't certain: git has to look, and has words for what is wrong.
 *
 * @param objects those of the repository without the pack
 */
export function unpackSmallPack(
  entries: readonly SmallPackEntry[],
  objects: ObjectDatabase,
): ReadonlyMap<Oid, UnpackedObject> | undefined {
  try {
    const pack = new SmallPack(entries, objects);
    return pack.areLinksThere() ? pack.unpacked : undefined;
  } catch (error) {
    const isUnclear = error instanceof DoubtError || error instanceof CorruptObjectError;
    if (isUnclear || error instanceof ObjectTooLargeError) return undefined;
    throw error;
  }
}

/** There is no certain yes. */
class DoubtError extends Error {}

interface DeltaBase extends UnpackedObject {
  readonly depth: number;
}

class SmallPack {
  readonly unpacked = new Map<Oid, DeltaBase>();
  readonly #objects: ObjectDatabase;
  readonly #byOffset = new Map<number, DeltaBase>();
  #size = 0;

  /** Throws a DoubtError. */
  constructor(entries: readonly SmallPackEntry[], objects: ObjectDatabase) {
    this.#objects = objects;
    for (const entry of entries) {
      const object = this.#make(entry);
      this.#size += object.content.length;
      if (this.#size > SMALL_PACK_BYTES_MAX) throw new DoubtError();
      const oid = hashObject(object.type, object.content, objects.format);
      // Git doesn't take the same object twice.
      if (this.unpacked.has(oid)) throw new DoubtError();
      this.unpacked.set(oid, object);
      this.#byOffset.set(entry.offset, object);
    }
  }

  areLinksThere(): boolean {
    for (const { type, content } of this.unpacked.values()) {
      for (const link of this.#linksOf(type, content)) {
        if (this.#typeOf(link.oid) !== link.type) return false;
        if (link.special !== undefined && !this.#isCanonical(link.oid, link.special)) return false;
      }
    }
    return true;
  }

  #make(entry: SmallPackEntry): DeltaBase {
    const { kind, content: delta } = entry;
    if (kind !== "offset-delta" && kind !== "ref-delta") {
      return { type: kind, content: delta, depth: 0 };
    }
    if (delta.length < DELTA_BYTES_MIN) throw new DoubtError();
    const { type, content, depth } = this.#baseOf(entry);
    const sizes = parseDeltaSizes(delta);
    const isLarge = this.#size + sizes.result > SMALL_PACK_BYTES_MAX;
    if (isLarge || depth >= DELTA_DEPTH_MAX) throw new DoubtError();
    return { type, content: applyDelta(content, delta, sizes), depth: depth + 1 };
  }

  /** Only bases that come before their deltas: others are unusual. */
  #baseOf({ offset, baseDistance, baseOid }: SmallPackEntry): DeltaBase {
    if (baseOid === undefined) return certain(this.#byOffset.get(offset - baseDistance));
    const inPack = this.unpacked.get(baseOid);
    if (inPack !== undefined) return inPack;
    return { ...this.#read(baseOid), depth: 0 };
  }

  #linksOf(type: ObjectType, content: Buffer): readonly Link[] {
    const { format } = this.#objects;
    switch (type) {
      case "commit":
        return certain(canonicalCommitLinks(content, format));
      case "tree":
        return certain(canonicalTreeLinks(content, format));
      case "tag":
        return certain(canonicalTagLinks(content, format));
      case "blob":
        return [];
    }
  }

  #typeOf(oid: Oid): ObjectType | undefined {
    return this.unpacked.get(oid)?.type ?? this.#objects.typeOf(oid);
  }

  #isCanonical(oid: Oid, special: SpecialFile): boolean {
    const { content } = this.unpacked.get(oid) ?? this.#read(oid);
    return isCanonicalSpecialFile(special, content);
  }

  #read(oid: Oid): GitObject {
    return certain(this.#objects.read(oid, SMALL_PACK_BYTES_MAX));
  }
}

interface Link {
  readonly oid: Oid;
  readonly type: ObjectType;
  readonly special?: SpecialFile | undefined;
}

function certain<T>(value: T | undefined): T {
  if (value === undefined) throw new DoubtError();
  return value;
}
