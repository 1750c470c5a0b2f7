import { posix } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import type { ListedEntry } from "../../git/object/list-tree.ts";
import { isTreeMode } from "../../git/object/tree-object.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromBytes, bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";
import { parseRevision, type Revision } from "../../git/revision/revision.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import {
  type CommitService,
  TreeEntry_EntryType as EntryType,
  GetTreeEntriesErrorSchema,
  type GetTreeEntriesRequest,
  GetTreeEntriesResponseSchema,
  GetTreeEntriesRequest_SortBy as SortBy,
} from "../../proto/commit_pb.ts";
import { PathError_ErrorType } from "../../proto/errors_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { EncodingHandler } from "../../rpc/handler.ts";
import { detail, invalidArgument, notFound, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { type EncodedEntry, encodedEntrySize, encodedReply } from "../common/encoded-list.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { MessageWriter } from "../common/message-writer.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";
import { verifyRevision } from "../common/verify-revision.ts";
import { FlatPaths } from "./flat-paths.ts";
import { cutTreePage, readTreeEntries } from "./tree-page.ts";
import { decodeTreePageToken, type TreePageToken } from "./tree-page-token.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type GetTreeEntries = EncodingHandler<typeof CommitService.method.getTreeEntries>;

/** What a request asks for; texts are binary strings. */
interface Query {
  readonly revision: Revision;
  /** Empty for the root. */
  readonly path: string;
  readonly recursive: boolean;
  readonly token: TreePageToken;
}

/** Lists what stands in a folder of a revision, in pages if wanted. */
export function getTreeEntries(needs: Needs): GetTreeEntries {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const query = parseQuery(request);
    const repository = openLocated(needs, located, call);
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    const tree = await findTree(repository, query, ask);
    const prefix = bytesFromBinary(pathPrefix(query.path));
    const page = cutTreePage(
      await readEntries(repository, tree, prefix, request, call),
      tree,
      request.paginationParams,
      query.token,
    );
    const flatPaths =
      request.recursive || request.skipFlatPaths
        ? undefined
        : new FlatPaths(repository, ask, call.signal, query.token.tree !== "" && query.revision);
    const chunk = new ReplyChunk(encodedEntrySize);
    const writer = new MessageWriter();
    const revision = Buffer.from(textFromBinary(query.revision));
    // Only the first reply has one, if only an empty one.
    let cursor: Uint8Array | undefined = encodeCursor(page.cursor);
    for (const entry of page.entries) {
      const flatPath = isTreeMode(entry.mode) ? await flatPaths?.find(entry) : entry.path;
      const full = chunk.add(encodeEntry(writer, entry, revision, flatPaths && flatPath));
      if (full === undefined) continue;
      yield encodedReply(GetTreeEntriesResponseSchema, full, cursor);
      cursor = undefined;
    }
    const entries = chunk.rest();
    if (entries !== undefined) yield encodedReply(GetTreeEntriesResponseSchema, entries, cursor);
  };
}

function encodeCursor(nextCursor: string): Uint8Array {
  const reply = create(GetTreeEntriesResponseSchema, { paginationCursor: { nextCursor } });
  return toBinary(GetTreeEntriesResponseSchema, reply);
}

function parseQuery(request: GetTreeEntriesRequest): Query {
  const revision = parseRevision(request.revision);
  if (request.path.length === 0) {
    const error = {
      case: "path" as const,
      value: { errorType: PathError_ErrorType.EMPTY_PATH },
    };
    throw invalidArgument("empty path", { detail: detail(GetTreeEntriesErrorSchema, { error }) });
  }
  const path = binaryFromBytes(request.path);
  return {
    revision,
    path: path === "." ? "" : path,
    recursive: request.recursive,
    token: decodeTreePageToken(request.paginationParams?.pageToken ?? ""),
  };
}

async function findTree(
  repository: OpenedRepository,
  query: Query,
  ask: RevisionNeeds,
): Promise<Oid> {
  const { revision, path, recursive, token } = query;
  // A later page comes from the tree of the first one, wherever the revision leads by now.
  const isContinued = token.tree !== "";
  const name = isContinued ? `${token.tree}:` : `${revision}:${path}`;
  const tree = await verifyRevision(repository, name, ask).catch((error: unknown) => {
    throw wrapError("unknown", "reading tree: getting revision", error);
  });
  if (tree === undefined) {
    throw unresolved(recursive ? notFound : invalidArgument, "invalid revision or path", query);
  }
  const header = repository.objects.header(tree);
  if (header === undefined) {
    // Most likely it is the commit of a submodule.
    if (!isContinued && path !== "") throw unresolved(notFound, "revision doesn't exist", query);
    throw new RpcError("unknown", "reading tree: check object type: object not found", {
      metadata: { revision: tree },
    });
  }
  if (header.type !== "tree") throw unresolved(invalidArgument, "path not treeish", query);
  return tree;
}

function unresolved(make: typeof notFound, message: string, { revision, path }: Query): RpcError {
  const error = { case: "resolveTree" as const, value: { revision: bytesFromBinary(revision) } };
  return make(message, {
    detail: detail(GetTreeEntriesErrorSchema, { error }),
    metadata: { path: textFromBinary(path), revision: textFromBinary(revision) },
  });
}

/** What goes before the names in a folder: its path in the shortest form, with a slash. */
function pathPrefix(path: string): string {
  return posix.join(path, "x").slice(0, -1);
}

function readEntries(
  { objects }: OpenedRepository,
  tree: Oid,
  prefix: Buffer,
  { recursive, sort }: GetTreeEntriesRequest,
  { signal }: Call,
): Promise<ListedEntry[]> {
  return readTreeEntries(objects, tree, { recursive, prefix, compare: ORDERS.get(sort), signal });
}

type Order = (one: ListedEntry, other: ListedEntry) => number;

const ORDERS: ReadonlyMap<SortBy, Order> = new Map<SortBy, Order>([
  [SortBy.TREES_FIRST, (one, other) => typeRank(one.mode) - typeRank(other.mode)],
  [SortBy.FILESYSTEM, (one, other) => one.path.compare(other.path)],
]);

function typeRank(mode: number): number {
  const type = entryType(mode);
  if (type === EntryType.TREE) return 0;
  return type === EntryType.BLOB ? 1 : 2;
}

function entryType(mode: number): EntryType {
  if (isTreeMode(mode)) return EntryType.TREE;
  return (mode & 0o170000) === 0o160000 ? EntryType.COMMIT : EntryType.BLOB;
}

/** The number of the list of entries in the reply. */
const ENTRIES_FIELD = 1;

function encodeEntry(
  writer: MessageWriter,
  { oid, path, mode }: ListedEntry,
  revision: Uint8Array,
  flatPath: Uint8Array | undefined,
): EncodedEntry {
  if (flatPath !== undefined) writer.bytes(7, flatPath);
  writer.bytes(6, revision);
  writer.number(5, mode);
  writer.number(4, entryType(mode));
  writer.bytes(3, path);
  writer.binary(1, oid);
  const size = writer.length;
  writer.message(ENTRIES_FIELD, 0);
  return { bytes: writer.take(), size };
}
