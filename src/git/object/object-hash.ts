import { createHash, hash } from "node:crypto";
import type { ObjectFormat, Oid } from "../oid/oid.ts";
import type { ObjectType } from "./object-type.ts";

/** The bytes that stand before the content of a loose object and are hashed with it. */
export function encodeObjectHeader(type: ObjectType, size: number): Buffer {
  return Buffer.from(`${type} ${size}\0`, "latin1");
}

/** Names the object with this type and content. */
export function hashObject(type: ObjectType, content: Uint8Array, format: ObjectFormat): Oid {
  const header = encodeObjectHeader(type, content.length);
  if (content.length < SMALL_BYTES) {
    return hash(format, Buffer.concat([header, content]), "hex") as Oid;
  }
  return createHash(format).update(header).update(content).digest("hex") as Oid;
}

/** Below this, copying the content is cheaper than a hash object of its own. */
const SMALL_BYTES = 16 * 1024;
