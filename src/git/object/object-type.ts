import type { Oid } from "../oid/oid.ts";

/** The four kinds of objects that a repository stores. */
export type ObjectType = "commit" | "tree" | "blob" | "tag";

/** What is known about an object without its content. */
export interface ObjectHeader {
  readonly type: ObjectType;
  /** Length of the content in bytes. */
  readonly size: number;
}

/**
 * An object in memory.
 *
 * `content` may be shared with a cache and with other readers: never write to it.
 */
export interface GitObject {
  readonly oid: Oid;
  readonly type: ObjectType;
  readonly content: Buffer;
}

/** Returns `name` as an object type when it is one of the four. */
export function parseObjectType(name: string): ObjectType | undefined {
  switch (name) {
    case "commit":
    case "tree":
    case "blob":
    case "tag":
      return name;
    default:
      return undefined;
  }
}
