import {
  type RepositoryService,
  OptimizeRepositoryRequest_Strategy as Strategy,
} from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, unimplemented } from "../../rpc/rpc-error.ts";
import type { Housekeeping } from "../../storage/housekeeping/housekeeping.ts";
import {
  type Planner,
  planByNeed,
  planEverything,
} from "../../storage/housekeeping/optimization-plan.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { asInternal } from "../common/as-internal.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";

interface Needs {
  readonly locator: RepositoryLocator;
  readonly housekeeping: Housekeeping;
}

type OptimizeRepository = Handler<typeof RepositoryService.method.optimizeRepository>;

/** Tidies a repository: as far as it needs it, or entirely. */
export function optimizeRepository({ locator, housekeeping }: Needs): OptimizeRepository {
  return async (request, call) => {
    const located = locateRepository(locator, request.repository);
    const planner = plannerOf(request.strategy);
    try {
      await housekeeping.optimize(located, gitCall(call), planner);
    } catch (error) {
      throw asInternal(error);
    }
    return {};
  };
}

function plannerOf(strategy: Strategy): Planner {
  switch (strategy) {
    case Strategy.UNSPECIFIED:
    case Strategy.HEURISTICAL:
      return planByNeed;
    case Strategy.EAGER:
      return planEverything;
    case Strategy.OFFLOADING:
      throw unimplemented("offloading feature not enabled", {
        metadata: { reason: "not enabled" },
      });
    case Strategy.REHYDRATION:
      throw invalidArgument("offloading configuration missing sink URL");
    default:
      throw invalidArgument(`unsupported optimization strategy ${strategy}`);
  }
}
