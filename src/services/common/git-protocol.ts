import type { Logger } from "../../base/log/logger.ts";
import type { Counter } from "../../base/metric/counter.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import type { Call } from "../../rpc/call.ts";

/** Versions of git's wire protocol as metrics name them, by what requests ask for. */
const VERSIONS: ReadonlyMap<string, string> = new Map([
  ["", "v0"],
  ["version=1", "v1"],
  ["version=2", "v2"],
]);

type ProtocolLabel = "grpc_service" | "grpc_method" | "git_protocol";

/** Makes git speak the version of the wire protocol that requests ask for, and counts them. */
export class GitProtocols {
  readonly #requests: Counter<ProtocolLabel>;
  readonly #logger: Logger;

  constructor({ metrics, logger }: { readonly metrics: MetricRegistry; readonly logger: Logger }) {
    this.#logger = logger;
    this.#requests = metrics.counter({
      name: "gitaly_git_protocol_requests_total",
      help: "Requests by the version of git's wire protocol that they ask for.",
      labels: ["grpc_service", "grpc_method", "git_protocol"],
    });
  }

  /** The environment for git. What is no version is left to git, which speaks version 0 then. */
  environment(gitProtocol: string, { method, correlationId }: Call): Record<string, string> {
    const version = VERSIONS.get(gitProtocol);
    this.#requests.inc({
      grpc_service: method.parent.typeName,
      grpc_method: method.name,
      git_protocol: version ?? "invalid",
    });
    if (version === undefined) {
      const fields = { git_protocol: gitProtocol, correlation_id: correlationId };
      this.#logger.warn("invalid git protocol requested", fields);
      return {};
    }
    return gitProtocol === "" ? {} : { GIT_PROTOCOL: gitProtocol };
  }
}
