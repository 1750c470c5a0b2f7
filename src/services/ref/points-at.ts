import { ObjectNotFoundError } from "../../git/object/object-error.ts";
import { TagObject } from "../../git/object/tag-object.ts";
import type { Oid } from "../../git/oid/oid.ts";
import type { ListedRef } from "../../git/ref/ref-reader.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import { readObject } from "../common/read-commit.ts";

/**
 * Makes the filter of `git for-each-ref --points-at`: it lets references through that point at one
 * of the objects, also through tags. Throws an ObjectNotFoundError when a reference's object isn't
 * there.
 */
export function pointsAt(
  { objects }: OpenedRepository,
  oids: ReadonlySet<Oid>,
  signal: AbortSignal,
): (ref: ListedRef) => Promise<boolean> {
  return async ({ oid }) => {
    for (let current = oid; !oids.has(current); ) {
      const header = objects.header(current);
      if (header === undefined) throw new ObjectNotFoundError(current);
      if (header.type !== "tag") return false;
      const tag = await readObject(objects, current, signal);
      if (tag === undefined) throw new ObjectNotFoundError(current);
      current = new TagObject(tag.content, objects.format).object;
    }
    return true;
  };
}
