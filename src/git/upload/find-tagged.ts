import type { ObjectDatabase } from "../object/object-database.ts";
import { peelTags } from "../object/peel.ts";
import type { Oid } from "../oid/oid.ts";
import { UnadvertisableRefError } from "../receive/push-advertisement.ts";
import type { RefName } from "../ref/ref-name.ts";
import type { PeeledOid } from "../ref/ref-reader.ts";

/** What a tag finally leads to, undefined for other objects; `peeled` is what is known of it. */
export function findTagged(
  objects: ObjectDatabase,
  name: RefName,
  oid: Oid,
  peeled: PeeledOid,
): Oid | undefined {
  // What is packed together with what it leads to is taken at its word, as git does.
  if (peeled !== undefined && objects.has(oid)) return peeled ?? undefined;
  const header = objects.header(oid);
  if (header === undefined) throw new UnadvertisableRefError(name);
  if (header.type !== "tag") return undefined;
  return peelTags(objects, oid).oid;
}
