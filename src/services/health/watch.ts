import { untilAborted } from "../../base/abort/until-aborted.ts";
import * as proto from "../../proto/grpc/health/v1/health_pb.ts";
import type { Handler } from "../../rpc/handler.ts";

type Watch = Handler<typeof proto.Health.method.watch>;

/**
 * Reports the state once and keeps the stream open, as it changes only when the server ends.
 * A service that is not known is reported as such rather than refused.
 */
export function watch(): Watch {
  return async function* ({ service }, { signal }) {
    const { SERVING, SERVICE_UNKNOWN } = proto.HealthCheckResponse_ServingStatus;
    yield { status: service === "" ? SERVING : SERVICE_UNKNOWN };
    await untilAborted(signal);
  };
}
