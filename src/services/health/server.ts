import * as proto from "../../proto/grpc/health/v1/health_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import { check } from "./check.ts";
import { list } from "./list.ts";
import { watch } from "./watch.ts";

/** The standard gRPC health service; needs no authentication. */
export function healthService(): ServiceRegistration {
  return serve(proto.Health, { check: check(), list: list(), watch: watch() });
}
