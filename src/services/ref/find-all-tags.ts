import { create } from "@bufbuild/protobuf";
import type { Mailmap } from "../../git/mailmap/mailmap.ts";
import { ObjectNotFoundError } from "../../git/object/object-error.ts";
import { peelTags } from "../../git/object/peel.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { ListedRef } from "../../git/ref/ref-reader.ts";
import type { RefSortKey } from "../../git/ref/sort-refs.ts";
import {
  type FindAllTagsRequest,
  type RefService,
  FindAllTagsRequest_SortBy_Key as SortKey,
} from "../../proto/ref_pb.ts";
import { SortDirection, type Tag, TagSchema } from "../../proto/shared_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, RpcError } from "../../rpc/rpc-error.ts";
import { gitCommit } from "../common/git-commit.ts";
import { isDamage } from "../common/git-failure.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { itemsOnPage, PageCutter, PageTokenNotFoundError } from "../common/pagination.ts";
import { readObject } from "../common/read-commit.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import { gitTag, gitTagSize, trimTagMessage } from "./git-tag.ts";
import { listedRefs } from "./listed-refs.ts";

type Needs = ReadNeeds & { readonly mailmaps: Mailmaps };
type FindAllTags = Handler<typeof RefService.method.findAllTags>;

/** Lists tags and the commits they lead to, in pages if wanted. */
export function findAllTags(needs: Needs): FindAllTags {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const sort = parseSort(request.sortBy);
    const repository = openLocated(needs, located, call);
    const mailmap = needs.mailmaps.find(repository, call);
    const page = new PageCutter(request.paginationParams);
    const refs = listedRefs(repository, { patterns: ["refs/tags/"], sort }, call.signal);
    const chunk = new ReplyChunk(gitTagSize);
    try {
      for await (const ref of itemsOnPage(refs, page, ({ name }) => name)) {
        const full = chunk.add(await readTag(repository, ref, mailmap, call.signal));
        if (full !== undefined) yield { tags: full };
      }
      page.checkToken();
    } catch (error) {
      throw failure(error, page);
    }
    const tags = chunk.rest();
    if (tags !== undefined) yield { tags };
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
  if (!isDamage(error)) return error;
  try {
    page.checkToken();
  } catch (tokenError) {
    return failure(tokenError, page);
  }
  const message = "iterating over tags: for-each-ref pipeline command: exit status 128";
  return new RpcError("unknown", message, { cause: error });
}

async function readTag(
  { objects }: OpenedRepository,
  { name, oid, peeled }: ListedRef,
  mailmap: Mailmap | undefined,
  signal: AbortSignal,
): Promise<Tag> {
  const shortName = bytesFromBinary(name.slice("refs/tags/".length));
  const header = objects.header(oid);
  if (header === undefined) throw new ObjectNotFoundError(oid);
  if (header.type === "tree" || header.type === "blob") {
    return create(TagSchema, { id: oid, name: shortName });
  }
  const object = await readObject(objects, oid, signal);
  if (object === undefined) throw new ObjectNotFoundError(oid);
  if (object.type === "commit") {
    const targetCommit = gitCommit(oid, object.content, mailmap);
    return create(TagSchema, { id: oid, name: shortName, targetCommit });
  }
  const { tag } = gitTag(object, shortName, mailmap);
  trimTagMessage(tag);
  const target = peeled ?? peelTags(objects, oid).oid;
  if (objects.header(target)?.type !== "commit") return tag;
  const commit = await readObject(objects, target, signal);
  if (commit === undefined) throw new ObjectNotFoundError(target);
  tag.targetCommit = gitCommit(target, commit.content, mailmap);
  return tag;
}
