import { type FileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as v1 from "../../proto/grpc/reflection/v1/reflection_pb.ts";
import * as v1alpha from "../../proto/grpc/reflection/v1alpha/reflection_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { respond } from "./server-reflection-info.ts";

type Needs = { readonly registry: FileRegistry };
type ServerReflectionInfo = Handler<typeof v1alpha.ServerReflection.method.serverReflectionInfo>;

/** The older name of the reflection service; its messages have the same bytes as the newer one's. */
export function serverReflectionInfoV1alpha({ registry }: Needs): ServerReflectionInfo {
  return async function* (requests) {
    for await (const request of requests) {
      const bytes = toBinary(v1alpha.ServerReflectionRequestSchema, request);
      const response = respond(registry, fromBinary(v1.ServerReflectionRequestSchema, bytes));
      yield fromBinary(
        v1alpha.ServerReflectionResponseSchema,
        toBinary(v1.ServerReflectionResponseSchema, response),
      );
    }
  };
}
