import type { Mailmap } from "../../git/mailmap/mailmap.ts";
import type { ObjectDatabase } from "../../git/object/object-database.ts";
import {
  CorruptObjectError,
  ObjectNotFoundError,
  ObjectTooLargeError,
} from "../../git/object/object-error.ts";
import type { GitObject } from "../../git/object/object-type.ts";
import { peelTags } from "../../git/object/peel.ts";
import { OID_HEX_LENGTH, type Oid, parseOid } from "../../git/oid/oid.ts";
import type { GitCommit } from "../../proto/shared_pb.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import { gitCommit } from "./git-commit.ts";

/**
 * Reads the commit that `oid` leads to, through tags if need be. Returns undefined when there is
 * none or it can't be read.
 */
export async function readCommit(
  objects: ObjectDatabase,
  oid: Oid,
  mailmap: Mailmap | undefined,
  signal: AbortSignal,
): Promise<GitCommit | undefined> {
  const commit = await readCommitObject(objects, oid, signal);
  return commit && gitCommit(commit.oid, commit.content, mailmap);
}

/** As `readCommit`, for the commit as it is stored. */
export async function readCommitObject(
  objects: ObjectDatabase,
  oid: Oid,
  signal: AbortSignal,
): Promise<GitObject | undefined> {
  const peeled = quietly(() => peelTags(objects, oid));
  return peeled?.type === "commit" ? readObject(objects, peeled.oid, signal) : undefined;
}

/**
 * Reads as git does while it makes sense of a revision: what is missing or damaged is the same as
 * nothing.
 */
export function quietly<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ObjectNotFoundError || error instanceof CorruptObjectError) {
      return undefined;
    }
    throw error;
  }
}

/** Nearly all commits are smaller; little is lost when something else is read up to this size. */
const COMMIT_BYTES_MAX = 64 * 1024;

/**
 * Reads the commit that a revision names by its full id. Returns undefined for everything that
 * takes a longer way: other revisions, what is missing, damaged or large, and no commits.
 */
export function readNamedCommit(objects: ObjectDatabase, revision: string): GitObject | undefined {
  if (revision.length !== OID_HEX_LENGTH[objects.format]) return undefined;
  const oid = parseOid(revision);
  const object = oid && quietly(() => readSmallObject(objects, oid, COMMIT_BYTES_MAX));
  return object?.type === "commit" ? object : undefined;
}

/** Reads an object at once; undefined when it isn't there or has more than `bytesMax` bytes. */
export function readSmallObject(
  objects: ObjectDatabase,
  oid: Oid,
  bytesMax?: number,
): GitObject | undefined {
  try {
    return objects.read(oid, bytesMax);
  } catch (error) {
    if (error instanceof ObjectTooLargeError) return undefined;
    throw error;
  }
}

/** Reads an object at once when it is small, as nearly all commits and tags are. */
export async function readObject(
  objects: ObjectDatabase,
  oid: Oid,
  signal: AbortSignal,
): Promise<GitObject | undefined> {
  try {
    return objects.read(oid);
  } catch (error) {
    if (!(error instanceof ObjectTooLargeError)) throw error;
    return objects.load(oid, signal);
  }
}

/** Reads a commit that has been listed a moment ago. Fails when it isn't there. */
export async function readListedCommit(
  { objects }: { readonly objects: ObjectDatabase },
  oid: Oid,
  signal: AbortSignal,
): Promise<GitObject> {
  const object = await readObject(objects, oid, signal);
  if (object !== undefined) return object;
  throw new RpcError("unknown", "requesting object: object not found", { metadata: { oid } });
}
