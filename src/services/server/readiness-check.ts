import type { ServerService } from "../../proto/server_pb.ts";
import type { Handler } from "../../rpc/handler.ts";

type ReadinessCheck = Handler<typeof ServerService.method.readinessCheck>;

/** Says that the server is ready: one that is not doesn't answer. */
export function readinessCheck(): ReadinessCheck {
  return async () => ({ Result: { case: "okResponse", value: {} } });
}
