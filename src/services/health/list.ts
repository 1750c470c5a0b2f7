import * as proto from "../../proto/grpc/health/v1/health_pb.ts";
import type { Handler } from "../../rpc/handler.ts";

type List = Handler<typeof proto.Health.method.list>;

/** Reports the state of everything that has one: of the server as a whole. */
export function list(): List {
  const { SERVING } = proto.HealthCheckResponse_ServingStatus;
  return async () => ({ statuses: { "": { status: SERVING } } });
}
