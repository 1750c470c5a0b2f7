import type { MessageInitShape } from "@bufbuild/protobuf";
import { peelTags } from "../../git/object/peel.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromBytes, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { HEAD } from "../../git/ref/ref-name.ts";
import type { ListedRef } from "../../git/ref/ref-reader.ts";
import type { RefSortKey } from "../../git/ref/sort-refs.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import {
  type ListRefsRequest,
  type ListRefsResponse_ReferenceSchema,
  type RefService,
  ListRefsRequest_SortBy_Key as SortKey,
} from "../../proto/ref_pb.ts";
import { SortDirection } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { checkArgument, isDamage, refuseNul } from "../common/git-failure.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { PageCutter } from "../common/pagination.ts";
import { findObject } from "../common/resolve-revision.ts";
import { parseExcludePatterns } from "./exclude-patterns.ts";
import { decodePageToken, encodePageToken } from "./list-refs-page-token.ts";
import { listedRefs, type RefQuery } from "./listed-refs.ts";
import { listingFailed, pagedRefs, withPageToken } from "./paged-refs.ts";
import { pointsAt } from "./points-at.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type ListRefs = Handler<typeof RefService.method.listRefs>;
type Reference = MessageInitShape<typeof ListRefsResponse_ReferenceSchema>;

/** Lists references that match patterns, in pages if wanted. */
export function listRefs(needs: Needs): ListRefs {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const query = parseQuery(request);
    const repository = openLocated(needs, located, call);
    let head = request.head ? headReference(repository) : [];
    checkArguments(request);
    const filter = await pointsAtFilter(needs, repository, request, call);
    const refs = listedRefs(repository, { ...query, ...(filter && { filter }) }, call.signal);
    const listing = request.peelTags ? peeled(repository, refs) : refs;
    const page = new PageCutter(request.paginationParams, pageToken(request));
    for await (const batch of withPageToken(pagedRefs(listing, page, ({ name }) => name))) {
      const references = [...head, ...batch.refs.map((ref) => reference(ref, request.peelTags))];
      const last = batch.hasNextPage ? batch.refs.at(-1) : undefined;
      head = [];
      yield {
        references,
        ...(last && { paginationCursor: { nextCursor: encodePageToken(last.name) } }),
      };
    }
  };
}

function parseQuery(request: ListRefsRequest): RefQuery {
  if (request.patterns.length === 0) {
    throw invalidArgument("patterns must have at least one entry");
  }
  return {
    patterns: request.patterns.map(binaryFromBytes),
    sort: parseSort(request.sortBy),
    exclude: parseExcludePatterns(request.excludePatterns, "refs/"),
    ignoreCase: request.ignoreCase,
  };
}

const SORT_FIELDS: ReadonlyMap<number, RefSortKey["field"]> = new Map([
  [SortKey.REFNAME, "refname"],
  [SortKey.CREATORDATE, "creatordate"],
  [SortKey.AUTHORDATE, "authordate"],
  [SortKey.COMMITTERDATE, "committerdate"],
]);

function parseSort(sortBy: ListRefsRequest["sortBy"]): RefSortKey | undefined {
  if (sortBy === undefined) return undefined;
  const field = SORT_FIELDS.get(sortBy.key);
  if (field === undefined) throw invalidArgument(`sorting key "${sortBy.key}" is not supported`);
  const { ASCENDING, DESCENDING } = SortDirection;
  if (sortBy.direction !== ASCENDING && sortBy.direction !== DESCENDING) {
    throw invalidArgument("sorting direction is not supported");
  }
  return { field, isDescending: sortBy.direction === DESCENDING };
}

function checkArguments({ patterns, pointingAtOids }: ListRefsRequest): void {
  try {
    for (const pattern of patterns) checkArgument(binaryFromBytes(pattern));
    for (const oid of pointingAtOids) refuseNul(binaryFromBytes(oid));
  } catch (error) {
    throw wrapError("internal", "spawning for-each-ref", error);
  }
}

/** HEAD leads the list when it leads anywhere. */
function headReference({ refs }: OpenedRepository): Reference[] {
  try {
    const oid = refs.findOid(HEAD);
    return oid === undefined ? [] : [{ name: bytesFromBinary(HEAD), target: oid }];
  } catch (error) {
    if (isDamage(error)) return [];
    throw error;
  }
}

async function pointsAtFilter(
  { git }: Needs,
  repository: OpenedRepository,
  request: ListRefsRequest,
  call: Call,
): Promise<RefQuery["filter"]> {
  const { pointingAtOids } = request;
  if (pointingAtOids.length === 0) return undefined;
  const oids = new Set<Oid>();
  const ask = { git, gitCall: lazyGitCall(call) };
  for (const name of pointingAtOids) {
    const oid = await findObject(repository, binaryFromBytes(name), ask);
    // Git then lists nothing, so that clients are told first that the page isn't there.
    if (oid === undefined && pageToken(request) !== "") return () => false;
    if (oid === undefined) throw listingFailed(129);
    oids.add(oid);
  }
  return pointsAt(repository, oids, call.signal);
}

function pageToken({ paginationParams }: ListRefsRequest): string {
  const token = paginationParams?.pageToken ?? "";
  return token === "" ? "" : decodePageToken(token);
}

/** Fills in what annotated tags point at, where the store of references doesn't say. */
async function* peeled(
  { objects }: OpenedRepository,
  refs: AsyncIterable<ListedRef>,
): AsyncGenerator<ListedRef, void, undefined> {
  for await (const ref of refs) {
    if (ref.peeled !== undefined) yield ref;
    else {
      const { oid } = peelTags(objects, ref.oid);
      yield { ...ref, peeled: oid === ref.oid ? null : oid };
    }
  }
}

function reference({ name, oid, peeled: peeledOid }: ListedRef, peelTagsToo: boolean): Reference {
  const peeledTarget = peelTagsToo ? (peeledOid ?? "") : "";
  return { name: bytesFromBinary(name), target: oid, peeledTarget };
}
