import type { Oid } from "../oid/oid.ts";
import { CommitObject } from "./commit-object.ts";
import type { ObjectDatabase } from "./object-database.ts";
import { CorruptObjectError, ObjectNotFoundError, ObjectTooLargeError } from "./object-error.ts";
import type { GitObject, ObjectType } from "./object-type.ts";
import { TagObject } from "./tag-object.ts";

/** Tags of tags are followed this far. */
const TAG_DEPTH_MAX = 1000;

/** An object and its type. */
export interface TypedOid {
  readonly oid: Oid;
  readonly type: ObjectType;
}

/**
 * Follows tags from `oid` to the first object that is no tag; that is `oid` itself, most often.
 *
 * Throws `ObjectNotFoundError` when an object on the way is missing and `CorruptObjectError` when
 * one is damaged or of another type than its tag says.
 */
export function peelTags(objects: ObjectDatabase, oid: Oid): TypedOid {
  let current = oid;
  let expected: ObjectType | undefined;
  for (let depth = 0; depth <= TAG_DEPTH_MAX; depth++) {
    const header = objects.header(current);
    if (header === undefined) throw new ObjectNotFoundError(current);
    if (expected !== undefined && header.type !== expected) {
      throw new CorruptObjectError("tag names an object of another type", {
        metadata: { oid: current },
      });
    }
    if (header.type !== "tag") return { oid: current, type: header.type };
    const object = objects.read(current);
    if (object === undefined) throw new ObjectNotFoundError(current);
    const tag = new TagObject(object.content, objects.format);
    current = tag.object;
    expected = tag.objectType;
  }
  throw new CorruptObjectError("tags nest too deeply", { metadata: { oid } });
}

/**
 * Follows tags from `oid` to a commit, or returns `undefined` when they lead to something else.
 * Throws as `peelTags` does.
 */
export function peelToCommit(objects: ObjectDatabase, oid: Oid): Oid | undefined {
  const peeled = peelTags(objects, oid);
  return peeled.type === "commit" ? peeled.oid : undefined;
}

/**
 * Follows tags and a commit from `oid` to a tree, or returns `undefined` when they lead to a blob.
 * Throws as `peelTags` does.
 */
export function peelToTree(objects: ObjectDatabase, oid: Oid): Oid | undefined {
  const read = readUsual(objects, oid);
  if (read?.type === "tree") return oid;
  if (read?.type === "commit") return new CommitObject(read.content, objects.format).tree;
  const peeled = peelTags(objects, oid);
  if (peeled.type === "tree") return peeled.oid;
  if (peeled.type !== "commit") return undefined;
  const commit = objects.read(peeled.oid);
  if (commit === undefined) throw new ObjectNotFoundError(peeled.oid);
  return new CommitObject(commit.content, objects.format).tree;
}

/** What most revisions name is smaller. */
const USUAL_BYTES_MAX = 64 * 1024;

/** Reads an object of usual size, which saves looking it up twice; undefined when that fails. */
function readUsual(objects: ObjectDatabase, oid: Oid): GitObject | undefined {
  try {
    return objects.read(oid, USUAL_BYTES_MAX);
  } catch (error) {
    if (error instanceof ObjectTooLargeError || error instanceof CorruptObjectError) {
      return undefined;
    }
    throw error;
  }
}
