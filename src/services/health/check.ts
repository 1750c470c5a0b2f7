import * as proto from "../../proto/grpc/health/v1/health_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { notFound } from "../../rpc/rpc-error.ts";

type Check = Handler<typeof proto.Health.method.check>;

/** Reports SERVING for the server as a whole, which is named by the empty string. */
export function check(): Check {
  return async ({ service }) => {
    if (service !== "") throw notFound("unknown service");
    return { status: proto.HealthCheckResponse_ServingStatus.SERVING };
  };
}
