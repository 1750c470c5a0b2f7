import type { MessageInitShape } from "@bufbuild/protobuf";
import { isTreeMode, type TreeEntry } from "../../git/object/tree-object.ts";
import { binaryFromBytes, binaryFromText } from "../../git/ref/binary-string.ts";
import { parseRevision } from "../../git/revision/revision.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import {
  type BlobService,
  type GetBlobsRequest,
  GetBlobsResponseSchema,
} from "../../proto/blob_pb.ts";
import { ObjectType } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import { EncodedReply } from "../../rpc/encoded-reply.ts";
import type { EncodingHandler } from "../../rpc/handler.ts";
import { internal, invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { CONTENT_CHUNK_BYTES, streamContent } from "../common/content-chunks.ts";
import { TreeEntryFinder } from "../common/find-tree-entry.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { isDamage } from "../common/git-failure.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { MessageWriter } from "../common/message-writer.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { quietly, readSmallObject } from "../common/read-commit.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type GetBlobs = EncodingHandler<typeof BlobService.method.getBlobs>;
type Reply = MessageInitShape<typeof GetBlobsResponseSchema>;

const SLASH = 0x2f;

/**
 * Finds what stands at paths of revisions, in the order of the request, and streams the blobs among
 * it, or as much of each as asked for. A path where nothing stands is answered without an id.
 */
export function getBlobs(needs: Needs): GetBlobs {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    checkRequest(request);
    const repository = openLocated(needs, located, call);
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    const finder = new TreeEntryFinder(repository, ask, call.signal);
    for (const { revision, path: givenPath } of request.revisionPaths) {
      call.signal.throwIfAborted();
      const path = withoutSlashes(givenPath);
      const entry = await findEntry(finder, revision, path);
      const place = { revision, path };
      if (entry === undefined) {
        yield place;
        continue;
      }
      const small = smallBlob(repository, entry, place, request.limit);
      if (small === undefined) yield* replies(repository, entry, place, request.limit, call);
      else yield small;
    }
  };
}

function checkRequest({ revisionPaths }: GetBlobsRequest): void {
  if (revisionPaths.length === 0) throw invalidArgument("empty RevisionPaths");
  for (const { revision } of revisionPaths) parseRevision(binaryFromText(revision));
}

function withoutSlashes(path: Uint8Array): Uint8Array {
  let end = path.length;
  if (end > 1) while (end > 0 && path[end - 1] === SLASH) end--;
  return path.subarray(0, end);
}

async function findEntry(
  finder: TreeEntryFinder,
  revision: string,
  path: Uint8Array,
): Promise<TreeEntry | undefined> {
  try {
    return await finder.find(binaryFromText(revision), binaryFromBytes(path));
  } catch (error) {
    throw wrapError("internal", "find by revision and path", error);
  }
}

/** Where something was looked for, as the request says it. */
interface Place {
  readonly revision: string;
  readonly path: Uint8Array;
}

/** The reply for a file that fits into one; undefined for everything else. */
function smallBlob(
  { objects }: OpenedRepository,
  { mode, oid }: TreeEntry,
  { revision, path }: Place,
  limit: bigint,
): EncodedReply<typeof GetBlobsResponseSchema> | undefined {
  const type = mode & 0o170000;
  if (type !== 0o100000 && type !== 0o120000) return undefined;
  const blob = quietly(() => readSmallObject(objects, oid, CONTENT_CHUNK_BYTES));
  if (blob?.type !== "blob") return undefined;
  const { content } = blob;
  const bytes = limit < 0n || limit > content.length ? content.length : Number(limit);
  const writer = new MessageWriter(bytes + path.length + 3 * revision.length + FIELDS_BYTES);
  writer.number(8, ObjectType.BLOB);
  writer.bytes(7, path);
  writer.text(6, revision);
  writer.number(5, mode);
  writer.binary(3, oid);
  writer.bytes(2, content, 0, bytes);
  writer.number(1, content.length);
  return new EncodedReply(GetBlobsResponseSchema, writer.finish());
}

/** More than the id, the numbers and the keys of all fields take. */
const FIELDS_BYTES = 128;

async function* replies(
  { objects }: OpenedRepository,
  { mode, oid }: TreeEntry,
  place: Place,
  limit: bigint,
  { signal }: Call,
): AsyncGenerator<Reply, void, undefined> {
  if ((mode & 0o170000) === 0o160000) {
    yield { ...place, mode, oid, isSubmodule: true, type: ObjectType.COMMIT };
    return;
  }
  const header = objects.header(oid);
  if (header === undefined) {
    throw internal("read object info: object not found", { metadata: { revision: oid } });
  }
  const found = { ...place, mode, oid, size: BigInt(header.size) };
  if (isTreeMode(mode)) {
    yield { ...found, type: ObjectType.TREE };
    return;
  }
  let reply: Reply = { ...found, type: ObjectType.BLOB };
  const bytes = limit < 0n || limit > header.size ? header.size : Number(limit);
  if (bytes === 0) {
    yield reply;
    return;
  }
  if (header.type !== "blob") throw internal(`blob got unexpected type "${header.type}"`);
  try {
    for await (const data of streamContent(objects, oid, bytes, signal)) {
      yield { ...reply, data };
      reply = {};
    }
  } catch (error) {
    throw isDamage(error) ? wrapError("internal", "read object", error) : error;
  }
}
