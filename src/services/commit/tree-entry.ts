import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ObjectDatabase } from "../../git/object/object-database.ts";
import type { ObjectHeader } from "../../git/object/object-type.ts";
import { type TreeEntry as Entry, isTreeMode } from "../../git/object/tree-object.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import { parseRevision } from "../../git/revision/revision.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import {
  type CommitService,
  TreeEntryResponse_ObjectType as ObjectType,
  type TreeEntryRequest,
  TreeEntryResponseSchema,
} from "../../proto/commit_pb.ts";
import { EncodedReply } from "../../rpc/encoded-reply.ts";
import type { EncodingHandler } from "../../rpc/handler.ts";
import { failedPrecondition, internal, invalidArgument, notFound } from "../../rpc/rpc-error.ts";
import { CONTENT_CHUNK_BYTES, streamContent } from "../common/content-chunks.ts";
import { TreeEntryFinder } from "../common/find-tree-entry.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { MessageWriter } from "../common/message-writer.ts";
import { openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { quietly, readSmallObject } from "../common/read-commit.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type TreeEntry = EncodingHandler<typeof CommitService.method.treeEntry>;
type Reply = MessageInitShape<typeof TreeEntryResponseSchema>;

/** Finds what stands at a path of a revision; a blob's content follows, as much of it as asked for. */
export function treeEntry(needs: Needs): TreeEntry {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const revision = parseRevision(request.revision);
    checkRequest(request);
    const reader = openLocated(needs, located, call);
    const { objects } = reader;
    const path = binaryFromBytes(request.path).replace(/(?<=.)\/+$/s, "");
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    const entry = await new TreeEntryFinder(reader, ask, call.signal).find(revision, path);
    if (entry === undefined) throw missing(path);
    const { oid, mode } = entry;
    if ((mode & 0o170000) === 0o160000) {
      yield { type: ObjectType.COMMIT, oid, mode };
      return;
    }
    const small = smallBlob(objects, entry, request);
    if (small !== undefined) {
      yield small;
      return;
    }
    const header = headerOf(objects, oid);
    const size = BigInt(header.size);
    if (isTreeMode(mode)) {
      yield { type: ObjectType.TREE, oid, mode, size };
      return;
    }
    if (header.type !== "blob") throw mismatch(oid, header.type);
    const bytes = contentBytes(request, header.size);
    let reply: Reply = { type: ObjectType.BLOB, oid, mode, size };
    for await (const data of streamContent(objects, oid, bytes, call.signal)) {
      yield { ...reply, data };
      reply = {};
    }
    if (bytes === 0) yield reply;
  };
}

/** The reply for a file that fits into one; undefined for everything else. */
function smallBlob(
  objects: ObjectDatabase,
  { oid, mode }: Pick<Entry, "oid" | "mode">,
  request: TreeEntryRequest,
): EncodedReply<typeof TreeEntryResponseSchema> | undefined {
  if (isTreeMode(mode)) return undefined;
  const blob = quietly(() => readSmallObject(objects, oid, CONTENT_CHUNK_BYTES));
  if (blob?.type !== "blob") return undefined;
  const { content } = blob;
  const bytes = contentBytes(request, content.length);
  const writer = new MessageWriter(bytes + FIELDS_BYTES);
  writer.bytes(5, content, 0, bytes);
  writer.number(4, mode);
  writer.number(3, content.length);
  writer.binary(2, oid);
  writer.number(1, ObjectType.BLOB);
  return new EncodedReply(TreeEntryResponseSchema, writer.finish());
}

/** More than the id, the numbers and the keys of all fields take. */
const FIELDS_BYTES = 128;

function headerOf(objects: ObjectDatabase, oid: Oid): ObjectHeader {
  const header = objects.header(oid);
  if (header === undefined) throw internal("object not found", { metadata: { oid } });
  return header;
}

function missing(path: string): Error {
  return notFound("tree entry not found", { metadata: { path } });
}

function checkRequest({ path, limit, maxSize }: TreeEntryRequest): void {
  if (path.length === 0) throw invalidArgument("empty Path");
  if (limit < 0n) throw invalidArgument("negative Limit");
  if (maxSize < 0n) throw invalidArgument("negative MaxSize");
}

function contentBytes({ limit, maxSize }: TreeEntryRequest, size: number): number {
  if (maxSize > 0n && size > maxSize) {
    throw failedPrecondition(
      `object size (${size}) is bigger than the maximum allowed size (${maxSize})`,
    );
  }
  return limit > 0n && limit < size ? Number(limit) : size;
}

function mismatch(oid: Oid, type: string): Error {
  return internal(
    `mismatched object type: tree-oid=${oid} object-oid=${oid} entry-type=BLOB object-type=${type}`,
  );
}
