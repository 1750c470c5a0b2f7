import type { MetricRegistry } from "../../../base/metric/metric-registry.ts";
import type { ServerCall } from "../../call.ts";
import { permissionDenied, type RpcError, unauthenticated } from "../../rpc-error.ts";
import type { Interceptor } from "../interceptor.ts";
import { type Authorization, readAuthorization, TokenVerifier } from "./token.ts";

export interface AuthenticationOptions {
  /** The secret shared with all callers; empty to let everybody in. */
  readonly token: string;
  /** Refusals are counted, but the call goes on. */
  readonly transitioning: boolean;
  readonly metrics: MetricRegistry;
}

/** Asked by load balancers, which know no secret. */
const OPEN_SERVICE = "/grpc.health.v1.Health/";

/**
 * Lets only calls pass that carry a token made with the server's secret.
 *
 * Counts attempts in `gitaly_authentications_total` and bad tokens in
 * `gitaly_authentication_errors_total`.
 */
export function authenticate(options: AuthenticationOptions): Interceptor {
  const { token, transitioning, metrics } = options;
  const attempts = metrics.counter({
    name: "gitaly_authentications_total",
    help: "Counts of of Gitaly request authentication attempts",
    labels: ["enforced", "status"],
  });
  const enforced = transitioning ? "false" : "true";
  const count = (status: string): void => attempts.inc({ enforced, status });
  const check = tokenCheck(token, metrics);
  return (call, next) => {
    if (call.fullMethod.startsWith(OPEN_SERVICE)) return next();
    if (token === "") {
      count("server disabled authentication");
      return next();
    }
    const refusal = check(call);
    if (refusal === undefined) {
      count(transitioning ? "would be ok" : "ok");
      return next();
    }
    count(refusal.kind === "unauthenticated" ? "unauthenticated" : "denied");
    return transitioning ? next() : Promise.reject(refusal);
  };
}

function tokenCheck(
  token: string,
  metrics: MetricRegistry,
): (call: ServerCall) => RpcError | undefined {
  const verifier = new TokenVerifier(token);
  const errors = metrics.counter({
    name: "gitaly_authentication_errors_total",
    help: "Counts of Gitaly request authentication errors",
    labels: ["version", "error"],
  });
  const refuse = (authorization: Authorization, nowMs: number): RpcError | undefined => {
    const { version } = authorization;
    if (version !== "v2") return permissionDenied("permission denied: invalid token version");
    const refusal = verifier.verify(authorization, nowMs);
    if (refusal === undefined) return undefined;
    errors.inc({ version, error: refusal.reason });
    return permissionDenied(refusal.message);
  };
  return ({ metadata, startedAtMs }) => {
    const authorization = readAuthorization(metadata);
    if (authorization === undefined) return unauthenticated("authentication required");
    return refuse(authorization, startedAtMs);
  };
}
