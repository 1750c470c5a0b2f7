import {
  type RepositoryService,
  OptimizeRepositoryRequest_Strategy as Strategy,
} from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import {
  failedPrecondition,
  internal,
  invalidArgument,
  type RpcError,
  unimplemented,
} from "../../rpc/rpc-error.ts";
import type { Housekeeping } from "../../storage/housekeeping/housekeeping.ts";
import {
  type Planner,
  planByNeed,
  planEverything,
} from "../../storage/housekeeping/optimization-plan.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { readRepositoryConfig } from "../../storage/repository/repository-config.ts";
import { asInternal } from "../common/as-internal.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { InvalidUrlError, parseUrl } from "../common/parse-url.ts";

/** What the configuration says of large objects that live in object storage. */
export interface Offloading {
  readonly enabled: boolean;
  /** Empty when the configuration doesn't say where. */
  readonly goCloudUrl: string;
}

interface Needs {
  readonly offloading: Offloading;
  readonly locator: RepositoryLocator;
  readonly housekeeping: Housekeeping;
}

type OptimizeRepository = Handler<typeof RepositoryService.method.optimizeRepository>;

/** Tidies a repository: as far as it needs it, or entirely. */
export function optimizeRepository(needs: Needs): OptimizeRepository {
  const { locator, housekeeping, offloading } = needs;
  return async (request, call) => {
    const located = locateRepository(locator, request.repository);
    const planner = plannerOf(request.strategy, located, offloading);
    try {
      const { logFields } = call;
      await housekeeping.optimize(located, { ...gitCall(call), logFields }, planner);
    } catch (error) {
      throw asInternal(error);
    }
    return {};
  };
}

function plannerOf(
  strategy: Strategy,
  located: LocatedRepository,
  offloading: Offloading,
): Planner {
  switch (strategy) {
    case Strategy.UNSPECIFIED:
    case Strategy.HEURISTICAL:
      return planByNeed;
    case Strategy.EAGER:
      return planEverything;
    case Strategy.OFFLOADING:
      throw cannotOffload(offloading);
    case Strategy.REHYDRATION:
      throw cannotRehydrate(located, offloading);
    default:
      throw invalidArgument(`unsupported optimization strategy ${strategy}`);
  }
}

/** Objects move to object storage and back in transactions only, and this server has none. */
const NO_TRANSACTIONS = "unable to retrieve storage node";

function cannotOffload({ enabled, goCloudUrl }: Offloading): RpcError {
  if (!enabled) {
    const metadata = { reason: "not enabled" };
    return unimplemented("offloading feature not enabled", { metadata });
  }
  return goCloudUrl === "" ? noSink() : internal(NO_TRANSACTIONS);
}

function cannotRehydrate({ path }: LocatedRepository, { goCloudUrl }: Offloading): RpcError {
  if (goCloudUrl === "") return noSink();
  const urls = readRepositoryConfig(path).getAll("remote.offload.url");
  if (urls.length === 0) return failedPrecondition("repository is not offloaded");
  const remote = urls.length === 1 ? (urls[0] ?? "").trim() : "";
  if (remote === "") {
    const problem = "offload URL must be a single non-empty string";
    return failedPrecondition(`invalid offloaded repository state: ${problem}`);
  }
  try {
    const remotePath = parseUrl(remote).path;
    const sinkPath = `${parseUrl(goCloudUrl).path}/`;
    const prefix = remotePath.startsWith(sinkPath) ? remotePath.slice(sinkPath.length).trim() : "";
    if (prefix === "") return invalidArgument("extract object prefix from URLs");
  } catch (error) {
    if (!(error instanceof InvalidUrlError)) throw error;
    return invalidArgument(`invalid URL: ${error.message}`, { cause: error });
  }
  return internal(NO_TRANSACTIONS);
}

function noSink(): RpcError {
  return invalidArgument("offloading configuration missing sink URL");
}
