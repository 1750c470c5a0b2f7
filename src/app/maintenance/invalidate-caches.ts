import type { Message } from "@bufbuild/protobuf";
import type { Logger } from "../../base/log/logger.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import type { Repository } from "../../proto/shared_pb.ts";
import type { Interceptor } from "../../rpc/interceptor/interceptor.ts";
import { lookAtFirst } from "../../rpc/interceptor/request-info/first-request.ts";
import type { MethodCatalog } from "../../rpc/interceptor/request-info/method-catalog.ts";
import type { Lease, RepositoryLeases } from "../../storage/disk-cache/repository-leases.ts";
import type { RepositoryAddress } from "../../storage/locator/repository-locator.ts";

interface Needs {
  readonly leases: Pick<RepositoryLeases, "start">;
  readonly catalog: MethodCatalog;
  readonly metrics: MetricRegistry;
  readonly logger: Logger;
}

/**
 * Tells other processes of each repository that a call changes, from its first request until it is
 * over. A call goes on when that fails.
 */
export function invalidateCaches({ leases, catalog, metrics, logger }: Needs): Interceptor {
  const count = counters(metrics);
  return (call, next) => {
    const { operation, scope, targetRepository } = catalog.get(call.method);
    if (operation === "unknown") return next();
    count.call(operation);
    if (operation !== "mutator" || scope !== "repository") return next();
    let lease: Lease | undefined;
    const guard = (action: () => void): void => {
      try {
        action();
      } catch (error) {
        count.error(call.fullMethod);
        logger.error("failed to invalidate caches", { error, full_method_name: call.fullMethod });
      }
    };
    const look = (request: Message): void => {
      const repository = targetRepository(request);
      if (repository === undefined) return;
      guard(() => {
        lease = leases.start(addressOf(repository));
      });
    };
    if (call.request === undefined) call.requests = lookAtFirst(call.requests, look);
    else look(call.request);
    return next().finally(() => guard(() => lease?.end()));
  };
}

function addressOf({ storageName, relativePath }: Repository): RepositoryAddress {
  return { storageName, relativePath };
}

function counters(metrics: MetricRegistry) {
  const calls = metrics.counter({
    name: "gitaly_cacheinvalidator_rpc_total",
    help: "Calls that were asked whether they change a repository.",
  });
  const operations = metrics.counter({
    name: "gitaly_cacheinvalidator_optype_total",
    help: "The same by what they do.",
    labels: ["type"],
  });
  const errors = metrics.counter({
    name: "gitaly_cacheinvalidator_error_total",
    help: "Changes of which other processes could not be told.",
    labels: ["method"],
  });
  return {
    call: (type: string): void => {
      calls.inc({});
      operations.inc({ type });
    },
    error: (method: string): void => errors.inc({ method }),
  };
}
