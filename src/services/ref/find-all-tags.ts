import { toBinary } from "@bufbuild/protobuf";
import type { Mailmap } from "../../git/mailmap/mailmap.ts";
import type { ObjectDatabase } from "../../git/object/object-database.ts";
import { ObjectNotFoundError, ObjectTooLargeError } from "../../git/object/object-error.ts";
import type { GitObject } from "../../git/object/object-type.ts";
import { peelTags } from "../../git/object/peel.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { ListedRef } from "../../git/ref/ref-reader.ts";
import type { RefSortKey } from "../../git/ref/sort-refs.ts";
import {
  type FindAllTagsRequest,
  FindAllTagsResponseSchema,
  type RefService,
  FindAllTagsRequest_SortBy_Key as SortKey,
} from "../../proto/ref_pb.ts";
import { SortDirection, TagSchema } from "../../proto/shared_pb.ts";
import type { EncodingHandler } from "../../rpc/handler.ts";
import { invalidArgument, RpcError } from "../../rpc/rpc-error.ts";
import {
  type EncodedEntry,
  encodedEntrySize,
  encodedReply,
  keptEntry,
} from "../common/encoded-list.ts";
import { gitCommit } from "../common/git-commit.ts";
import { isDamage } from "../common/git-failure.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { MessageWriter } from "../common/message-writer.ts";
import { ObjectNumbers } from "../common/object-numbers.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { batchesOnPage, PageCutter, PageTokenNotFoundError } from "../common/pagination.ts";
import { readObject } from "../common/read-commit.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import { writeCommit } from "../common/write-commit.ts";
import { gitTag, trimTagMessage } from "./git-tag.ts";
import { listedRefBatches } from "./listed-refs.ts";
import { UnshowableDateError } from "./ref-atoms.ts";
import { writeTag } from "./write-tag.ts";

type Needs = ReadNeeds & { readonly mailmaps: Mailmaps };
type FindAllTags = EncodingHandler<typeof RefService.method.findAllTags>;

/** Lists tags and the commits they lead to, in pages if wanted. */
export function findAllTags(needs: Needs): FindAllTags {
  const mailmapNumbers = new ObjectNumbers<Mailmap>();
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const sort = parseSort(request.sortBy);
    const repository = openLocated(needs, located, call);
    const mailmap = needs.mailmaps.find(repository, call);
    const page = new PageCutter(request.paginationParams);
    const query = { patterns: ["refs/tags/"], sort };
    const batches = listedRefBatches(repository, query, call.signal);
    const chunk = new ReplyChunk(encodedEntrySize);
    const memory = `FindAllTags:${mailmapNumbers.of(mailmap)}:`;
    const writer = new MessageWriter();
    const reading = { writer, repository, mailmap, memory, signal: call.signal };
    try {
      for await (const refs of batchesOnPage(batches, page, ({ name }) => name)) {
        for (const ref of refs) {
          const full = chunk.add(recallTag(reading, ref) ?? (await makeTag(reading, ref)));
          if (full !== undefined) yield encodedReply(FindAllTagsResponseSchema, full);
        }
      }
      page.checkToken();
    } catch (error) {
      throw failure(error, page);
    }
    const rest = chunk.rest();
    if (rest !== undefined) yield encodedReply(FindAllTagsResponseSchema, rest);
  };
}

const SORT_FIELDS: ReadonlyMap<number, RefSortKey["field"]> = new Map([
  [SortKey.REFNAME, "refname"],
  [SortKey.CREATORDATE, "creatordate"],
  [SortKey.VERSION_REFNAME, "version:refname"],
]);

function parseSort(sortBy: FindAllTagsRequest["sortBy"]): RefSortKey | undefined {
  if (sortBy === undefined) return undefined;
  const { key, direction } = sortBy;
  if (direction !== SortDirection.ASCENDING && direction !== SortDirection.DESCENDING) {
    throw invalidArgument(`unsupported sorting direction: ${direction}`);
  }
  const field = SORT_FIELDS.get(key);
  if (field === undefined) throw invalidArgument(`unsupported sorting key: ${key}`);
  return { field, isDescending: direction === SortDirection.DESCENDING };
}

function failure(error: unknown, page: PageCutter): unknown {
  if (error instanceof PageTokenNotFoundError) return invalidArgument(error.message);
  if (!isDamage(error) && !(error instanceof UnshowableDateError)) return error;
  try {
    page.checkToken();
  } catch (tokenError) {
    return failure(tokenError, page);
  }
  const message = "iterating over tags: for-each-ref pipeline command: exit status 128";
  return new RpcError("unknown", message, { cause: error });
}

/** The number of the list of tags in the reply. */
const TAGS_FIELD = 1;

interface Reading {
  readonly writer: MessageWriter;
  readonly repository: OpenedRepository;
  readonly mailmap: Mailmap | undefined;
  /** Begins the keys of tags that are kept with this mailmap. */
  readonly memory: string;
  readonly signal: AbortSignal;
}

/** A tag as it was encoded before, when its objects are still there. */
function recallTag(
  { repository: { objects, shelves }, memory }: Reading,
  ref: ListedRef,
): EncodedEntry | undefined {
  const known = shelves.answers.find(memory + keyOf(ref));
  if (known === undefined || !objects.has(ref.oid)) return undefined;
  const { peeled } = ref;
  return isKnown(peeled) && !objects.has(peeled) ? undefined : keptEntry(known);
}

async function makeTag(reading: Reading, ref: ListedRef): Promise<EncodedEntry> {
  const { repository, memory } = reading;
  const objects = readSmallObjects(repository, ref) ?? (await readObjects(reading, ref));
  const entry = encodeTag(reading, ref, objects);
  // Without reading the tag nobody would know whose presence to ask for.
  const isComplete = objects.tag === undefined || isKnown(ref.peeled);
  if (isComplete) repository.shelves.answers.keep(memory + keyOf(ref), entry.bytes);
  return entry;
}

function isKnown(peeled: ListedRef["peeled"]): peeled is Oid {
  return peeled !== undefined && peeled !== null;
}

function keyOf({ name, oid, peeled }: ListedRef): string {
  return `${oid}${peeled ?? ""}${name}`;
}

/** Encodes tags without making messages of them: there may be very many. */
function encodeTag(
  { writer, mailmap }: Reading,
  ref: ListedRef,
  { tag, commit }: TagObjects,
): EncodedEntry {
  const name = ref.name.slice("refs/tags/".length);
  if (tag === undefined) {
    if (commit !== undefined) writeCommit(writer, 3, commit.oid, commit.content, mailmap);
    writer.binary(2, ref.oid);
    writer.binary(1, name);
  } else if (!writeTag(writer, { name, tag, commit }, mailmap)) {
    writer.truncate(0);
    const { tag: message } = gitTag(tag, bytesFromBinary(name), mailmap);
    trimTagMessage(message);
    if (commit !== undefined) message.targetCommit = gitCommit(commit.oid, commit.content, mailmap);
    writer.raw(toBinary(TagSchema, message));
  }
  const size = writer.length;
  writer.message(TAGS_FIELD, 0);
  return { bytes: writer.take(), size };
}

/** The objects of a tag: itself when it is annotated, and its commit when it leads to one. */
interface TagObjects {
  readonly tag?: GitObject;
  readonly commit?: GitObject | undefined;
}

/** Reads a tag's objects at once; undefined when one of them is large. */
function readSmallObjects(
  { objects }: OpenedRepository,
  { oid, peeled }: ListedRef,
): TagObjects | undefined {
  try {
    const object = objects.read(oid, SMALL_BYTES_MAX);
    if (object === undefined) throw new ObjectNotFoundError(oid);
    if (object.type === "commit") return { commit: object };
    if (object.type !== "tag") return {};
    const target = peeled ?? peelTags(objects, oid).oid;
    const commit = objects.read(target, SMALL_BYTES_MAX);
    if (commit === undefined) throw new ObjectNotFoundError(target);
    return { tag: object, commit: commit.type === "commit" ? commit : undefined };
  } catch (error) {
    if (error instanceof ObjectTooLargeError) return undefined;
    throw error;
  }
}

async function readObjects(
  { repository: { objects }, signal }: Reading,
  { oid, peeled }: ListedRef,
): Promise<TagObjects> {
  const object = await readIfNamed(objects, oid, signal);
  if (object?.type === "commit") return { commit: object };
  if (object?.type !== "tag") return {};
  const target = peeled ?? peelTags(objects, oid).oid;
  const commit = await readIfNamed(objects, target, signal);
  return { tag: object, commit: commit?.type === "commit" ? commit : undefined };
}

/** Nothing of trees and blobs is wanted; a small one may be read in vain. */
const SMALL_BYTES_MAX = 64 * 1024;

/** Reads a commit or a tag. */
async function readIfNamed(
  objects: ObjectDatabase,
  oid: Oid,
  signal: AbortSignal,
): Promise<GitObject | undefined> {
  let object: GitObject | undefined;
  try {
    object = objects.read(oid, SMALL_BYTES_MAX);
  } catch (error) {
    if (!(error instanceof ObjectTooLargeError)) throw error;
    const type = objects.header(oid)?.type;
    if (type === "tree" || type === "blob") return undefined;
    object = await readObject(objects, oid, signal);
  }
  if (object === undefined) throw new ObjectNotFoundError(oid);
  return object;
}
