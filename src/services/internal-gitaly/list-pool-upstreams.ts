import type { InternalGitaly, ListPoolUpstreamsRequest } from "../../proto/internal_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";

/** A repository that borrows from a pool. */
export interface PoolMember {
  readonly relativePath: string;
  readonly isPublic: boolean;
}

/** Whom a question of GitLab is asked for. */
interface Caller {
  readonly correlationId: string;
  readonly remoteIp: string;
  readonly signal: AbortSignal;
}

/** Asks GitLab for the repositories that pools were made from, by the pools' paths without ".git". */
export type FindPoolUpstreams = (
  pools: { readonly diskPaths: readonly string[]; readonly storageName: string },
  caller: Caller,
) => Promise<ReadonlyMap<string, readonly PoolMember[]>>;

/** Undefined when there is no GitLab to ask. */
export type PoolUpstreamNeeds = { readonly findPoolUpstreams: FindPoolUpstreams | undefined };
type ListPoolUpstreams = Handler<typeof InternalGitaly.method.listPoolUpstreams>;

/** GitLab takes no more paths at once. */
const POOLS_MAX = 500;

/** Tells from which public repository each of the given pools was made. */
export function listPoolUpstreams({ findPoolUpstreams }: PoolUpstreamNeeds): ListPoolUpstreams {
  return async function* (requests, call) {
    const { storageName, pools } = await readPools(requests);
    const upstreams: Record<string, string> = {};
    const paths = [...pools.keys()];
    for (let start = 0; findPoolUpstreams && start < paths.length; start += POOLS_MAX) {
      const diskPaths = paths.slice(start, start + POOLS_MAX);
      const members = await ask(findPoolUpstreams, { diskPaths, storageName }, call);
      for (const [path, [member, ...others]] of members) {
        const isClear = member?.isPublic === true && others.length === 0;
        if (isClear) upstreams[pools.get(path) ?? ""] = member.relativePath;
      }
    }
    yield { upstreams };
  };
}

interface Pools {
  readonly storageName: string;
  /** Each pool as it was named first, by its path without ".git". */
  readonly pools: ReadonlyMap<string, string>;
}

async function readPools(requests: AsyncIterable<ListPoolUpstreamsRequest>): Promise<Pools> {
  let storageName: string | undefined;
  const pools = new Map<string, string>();
  for await (const request of requests) {
    storageName ??= request.storageName;
    if (storageName === "") throw invalidArgument("storage name is required");
    for (const path of request.poolDiskPaths) {
      const trimmed = path.replace(/\.git$/, "");
      if (!pools.has(trimmed)) pools.set(trimmed, path);
    }
  }
  if (storageName === undefined) throw invalidArgument("receive request: EOF");
  return { storageName, pools };
}

async function ask(
  find: FindPoolUpstreams,
  pools: Parameters<FindPoolUpstreams>[0],
  { correlationId, metadata, signal }: Call,
): ReturnType<FindPoolUpstreams> {
  try {
    return await find(pools, { correlationId, remoteIp: metadata.get("remote_ip") ?? "", signal });
  } catch (error) {
    throw wrapError("internal", "query Rails", error);
  }
}
