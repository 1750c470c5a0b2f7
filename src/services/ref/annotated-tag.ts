import type { Mailmap } from "../../git/mailmap/mailmap.ts";
import type { ObjectDatabase } from "../../git/object/object-database.ts";
import type { GitObject } from "../../git/object/object-type.ts";
import { peelTags } from "../../git/object/peel.ts";
import { parseOid } from "../../git/oid/oid.ts";
import type { GitCommit, Tag } from "../../proto/shared_pb.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import { quietly, readCommit } from "../common/read-commit.ts";
import { gitTag } from "./git-tag.ts";

/**
 * Reads an annotated tag with the commit that it leads to, if any. Fails when what it tags isn't
 * there.
 *
 * @param name see `gitTag`
 */
export async function readAnnotatedTag(
  objects: ObjectDatabase,
  object: GitObject,
  name: Buffer,
  mailmap: Mailmap | undefined,
  signal: AbortSignal,
): Promise<Tag> {
  const parsed = gitTag(object, name, mailmap);
  const { tag, objectType } = parsed;
  if (objectType === "commit") {
    const commit = await findCommit(objects, parsed.object, mailmap, signal);
    if (commit === undefined) throw missing("error when getting target commit");
    tag.targetCommit = commit;
  } else if (objectType === "tag") {
    const oid = parseOid(parsed.object);
    const peeled = oid && quietly(() => peelTags(objects, oid));
    if (peeled === undefined) throw missing("error when dereferencing tag: peeling tag");
    const commit = await readCommit(objects, peeled.oid, mailmap, signal);
    if (commit !== undefined) tag.targetCommit = commit;
  }
  return tag;
}

async function findCommit(
  objects: ObjectDatabase,
  text: string,
  mailmap: Mailmap | undefined,
  signal: AbortSignal,
): Promise<GitCommit | undefined> {
  const oid = parseOid(text);
  return oid && readCommit(objects, oid, mailmap, signal);
}

function missing(what: string): RpcError {
  return new RpcError("unknown", `buildAnnotatedTag ${what}: object not found`);
}
