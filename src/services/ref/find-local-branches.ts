import { create } from "@bufbuild/protobuf";
import { ObjectNotFoundError } from "../../git/object/object-error.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { ListedRef } from "../../git/ref/ref-reader.ts";
import type { RefSortKey } from "../../git/ref/sort-refs.ts";
import {
  type FindLocalBranchesRequest,
  type RefService,
  FindLocalBranchesRequest_SortBy as SortBy,
} from "../../proto/ref_pb.ts";
import { type Branch, BranchSchema } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, type RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { fieldSize, gitCommitSize, messageFieldSize } from "../common/message-size.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { itemsOnPage, PageCutter, PageTokenNotFoundError } from "../common/pagination.ts";
import { readObject } from "../common/read-commit.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import { parseExcludePatterns } from "./exclude-patterns.ts";
import { listedCommit } from "./listed-commit.ts";
import { listedRefs } from "./listed-refs.ts";
import { listingFailure } from "./paged-refs.ts";
import { refCommits } from "./ref-commits.ts";

type Needs = ReadNeeds & { readonly mailmaps: Mailmaps };
type FindLocalBranches = Handler<typeof RefService.method.findLocalBranches>;

/** Lists the branches and their commits, in pages if wanted. */
export function findLocalBranches(needs: Needs): FindLocalBranches {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const exclude = parseExcludePatterns(request.excludePatterns, "refs/heads/");
    const sort = sortKey(request.sortBy);
    const repository = openLocated(needs, located, call);
    const refs = listedRefs(repository, { patterns: ["refs/heads"], exclude, sort }, call.signal);
    try {
      if (call.metadata.get("gitaly-feature-ref-iterator") === "false") {
        for await (const localBranches of readBranches(needs, repository, refs, request, call)) {
          yield { localBranches };
        }
      } else {
        for await (const localBranches of listBranches(repository, refs, request, call)) {
          yield { localBranches };
        }
      }
    } catch (error) {
      throw translate(error);
    }
  };
}

function translate(error: unknown): RpcError {
  if (error instanceof PageTokenNotFoundError) {
    return wrapError("invalid-argument", "invalid page token: sending lines", error);
  }
  return wrapError("internal", "finding refs", error);
}

const BY_DATE = { field: "committerdate" } as const;

function sortKey(sortBy: SortBy): RefSortKey | undefined {
  switch (sortBy) {
    case SortBy.NAME:
      return undefined;
    case SortBy.UPDATED_ASC:
      return { ...BY_DATE, isDescending: false };
    case SortBy.UPDATED_DESC:
      return { ...BY_DATE, isDescending: true };
    default:
      throw internal("panic: never reached");
  }
}

/** Replies that are held back until all branches were read. */
const HELD_REPLIES_MAX = 16;

/**
 * Tells about the branches what `git for-each-ref` tells: nothing when it fails, since it reads all
 * of them before it sorts them. Where there are very many, some are told nevertheless.
 */
async function* listBranches(
  repository: OpenedRepository,
  refs: AsyncIterable<ListedRef>,
  { paginationParams }: FindLocalBranchesRequest,
  { signal }: Call,
): AsyncGenerator<Branch[], void, undefined> {
  const page = new PageCutter(paginationParams);
  const chunk = new ReplyChunk(branchSize);
  const held: Branch[][] = [];
  try {
    for await (const ref of itemsOnPage(refs, page, ({ name }) => name)) {
      const full = chunk.add(await listedBranch(repository, ref, signal));
      if (full !== undefined) held.push(full);
      if (held.length > HELD_REPLIES_MAX) yield* held.splice(0, 1);
    }
  } catch (error) {
    const failure = listingFailure(error);
    if (failure !== undefined) page.checkToken();
    throw failure ?? error;
  }
  yield* held;
  const rest = chunk.rest();
  if (rest !== undefined) yield rest;
  page.checkToken();
}

async function listedBranch(
  { objects }: OpenedRepository,
  { name, oid }: ListedRef,
  signal: AbortSignal,
): Promise<Branch> {
  const object = await readObject(objects, oid, signal);
  if (object === undefined) throw new ObjectNotFoundError(oid);
  const targetCommit = listedCommit(object, objects.format);
  return create(BranchSchema, { name: bytesFromBinary(name), targetCommit });
}

function branchSize({ name, targetCommit }: Branch): number {
  const commitBytes =
    targetCommit === undefined ? 0 : messageFieldSize(gitCommitSize(targetCommit));
  return fieldSize(name.length) + commitBytes;
}

/** Tells about the branches what their commits say; clients may ask for this by a feature flag. */
async function* readBranches(
  { mailmaps }: Needs,
  repository: OpenedRepository,
  refs: AsyncIterable<ListedRef>,
  { paginationParams }: FindLocalBranchesRequest,
  call: Call,
): AsyncGenerator<Branch[], void, undefined> {
  const mailmap = mailmaps.find(repository, call);
  const page = new PageCutter(paginationParams);
  for await (const commits of refCommits(repository, refs, mailmap, call.signal, page)) {
    yield commits.map(({ name, commit }) => create(BranchSchema, { name, targetCommit: commit }));
  }
}
