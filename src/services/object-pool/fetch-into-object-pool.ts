import type { FetchIntoObjectPoolRequest, ObjectPoolService } from "../../proto/objectpool_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import type { Housekeeping } from "../../storage/housekeeping/housekeeping.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { asInternal } from "../common/as-internal.ts";
import { gitCall } from "../common/git-call.ts";
import { openLocated } from "../common/open-repository.ts";
import { type FetchNeeds, fetchReferences } from "./fetch-references.ts";
import { lookUpPool } from "./find-pool.ts";
import { prunePoolReferences } from "./prune-pool-references.ts";
import { rescueDanglingObjects } from "./rescue-dangling-objects.ts";

interface Needs extends FetchNeeds {
  readonly locator: RepositoryLocator;
  readonly housekeeping: Housekeeping;
}

type FetchIntoObjectPool = Handler<typeof ObjectPoolService.method.fetchIntoObjectPool>;

/**
 * Brings all objects and references of a member into its object pool, where the references are
 * those of a remote `origin`. What no reference leads to any more gets one of its own: an object
 * is never lost in a pool.
 */
export function fetchIntoObjectPool(needs: Needs): FetchIntoObjectPool {
  return async (request, call) => {
    checkRequest(request);
    const pool = findPool(needs.locator, request);
    try {
      await fetch(needs, pool, request, call);
    } catch (error) {
      call.signal.throwIfAborted();
      throw asInternal(error);
    }
    return {};
  };
}

function checkRequest({ origin, objectPool }: FetchIntoObjectPoolRequest): void {
  if (origin === undefined) throw invalidArgument("origin is empty");
  if (objectPool === undefined) throw invalidArgument("object pool is empty");
  // A pool without an address has an empty name for its storage.
  if (origin.storageName === (objectPool.repository?.storageName ?? "")) return;
  throw invalidArgument("origin has different storage than object pool");
}

function findPool(
  locator: RepositoryLocator,
  { objectPool }: FetchIntoObjectPoolRequest,
): LocatedRepository {
  try {
    const pool = lookUpPool(locator, objectPool);
    if (pool !== undefined) return pool;
    throw new RpcError("unknown", "object pool is not a valid git repository");
  } catch (error) {
    throw wrapError("invalid-argument", "object pool invalid", error);
  }
}

async function fetch(
  needs: Needs,
  pool: LocatedRepository,
  request: FetchIntoObjectPoolRequest,
  call: Call,
): Promise<void> {
  const options = gitCall(call);
  const origin = await step("computing origin repo's path", async () =>
    needs.locator.locate(request.origin),
  );
  await step("cleaning stale data", () => needs.housekeeping.cleanStaleData(pool, options));
  const opened = openLocated(needs, pool, call);
  const member = openLocated(needs, origin, call);
  const fetching = { pool: opened, origin: member, call, options };
  await step("pruning references", () => prunePoolReferences(needs, fetching));
  await fetchReferences(needs, fetching);
  await step("rescuing dangling objects", () => rescueDanglingObjects(needs, fetching));
  await step("optimizing pool repo", () => needs.housekeeping.optimize(pool, options));
}

async function step<Result>(doing: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw wrapError("internal", doing, error);
  }
}
