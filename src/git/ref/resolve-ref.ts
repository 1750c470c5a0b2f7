import { parseRefName, type RefName } from "./ref-name.ts";
import type { RefResolution, StoredRef } from "./ref-reader.ts";

/** The number of references git reads on the way from a name to an object id. */
const CHAIN_LENGTH_MAX = 5;

/** Follows symbolic references from `name`, reading each with `read`. */
export function resolveRef(
  read: (name: RefName) => StoredRef | undefined,
  name: RefName,
): RefResolution {
  let current = name;
  for (let length = 0; length < CHAIN_LENGTH_MAX; length++) {
    const ref = read(current);
    if (ref === undefined) return { state: "missing", name: current };
    if (ref.kind === "broken") break;
    if (ref.kind === "direct") {
      return { state: "found", name: current, oid: ref.oid, peeled: ref.peeled };
    }
    const target = parseRefName(ref.target, { oneLevel: true });
    if (target === undefined) break;
    current = target;
  }
  return { state: "broken", name: current };
}
