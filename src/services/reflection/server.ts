import type { FileRegistry } from "@bufbuild/protobuf";
import * as v1 from "../../proto/grpc/reflection/v1/reflection_pb.ts";
import * as v1alpha from "../../proto/grpc/reflection/v1alpha/reflection_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import { serverReflectionInfo } from "./server-reflection-info.ts";
import { serverReflectionInfoV1alpha } from "./server-reflection-info-v1alpha.ts";

interface Needs {
  /** The services and files that a client may ask about. */
  readonly registry: FileRegistry;
}

/** Lets clients such as grpcurl discover the protocol; both versions of the service are the same. */
export function reflectionServices({ registry }: Needs): ServiceRegistration[] {
  return [
    serve(v1.ServerReflection, { serverReflectionInfo: serverReflectionInfo({ registry }) }),
    serve(v1alpha.ServerReflection, {
      serverReflectionInfo: serverReflectionInfoV1alpha({ registry }),
    }),
  ];
}
