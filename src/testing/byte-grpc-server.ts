import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { create, type DescMethod, toBinary } from "@bufbuild/protobuf";
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { RefService } from "../proto/ref_pb.ts";
import { RepositoryService } from "../proto/repository_pb.ts";
import { SmartHTTPService } from "../proto/smarthttp_pb.ts";
import { type Channel, type DialOptions, dial } from "../rpc/client/channel.ts";

const { refExists } = RefService.method;
const { createRepositoryFromBundle } = RepositoryService.method;
const { infoRefsUploadPack, postReceivePack } = SmartHTTPService.method;

/** A server made with the gRPC library alone, whose handlers see bytes. */
export async function startByteServer(
  t: TestContext,
  handlers: UntypedServiceImplementation,
  options: DialOptions = {},
): Promise<Channel> {
  const server = new Server();
  const methods = [refExists, createRepositoryFromBundle, infoRefsUploadPack, postReceivePack];
  const served = methods.filter(({ name }) => handlers[name] !== undefined);
  server.addService(
    Object.fromEntries(served.map((method) => [method.name, define(method)])),
    handlers,
  );
  const folder = await mkdtemp(join(tmpdir(), "rpc-client-"));
  const path = join(folder, "socket");
  await new Promise<void>((resolve, reject) => {
    const credentials = ServerCredentials.createInsecure();
    server.bindAsync(`unix:${path}`, credentials, (error) => (error ? reject(error) : resolve()));
  });
  const channel = dial(`unix:${path}`, options);
  t.after(async () => {
    await channel.close();
    server.forceShutdown();
    await rm(folder, { recursive: true });
  });
  return channel;
}

/** The method's definition for the library, passing bytes through. */
export function define(method: DescMethod): ServiceDefinition[string] {
  const identity = (bytes: Uint8Array): Buffer => Buffer.from(bytes);
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: ["client_streaming", "bidi_streaming"].includes(method.methodKind),
    responseStream: ["server_streaming", "bidi_streaming"].includes(method.methodKind),
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  };
}

/** A reply of InfoRefsUploadPack. */
export function infoRefs(data: Uint8Array): Uint8Array {
  return toBinary(infoRefsUploadPack.output, create(infoRefsUploadPack.output, { data }));
}

/** A reply of RefExists. */
export function exists(value: boolean): Uint8Array {
  return toBinary(refExists.output, create(refExists.output, { value }));
}

/** A server that never answers. */
export const HANGS: UntypedServiceImplementation = { RefExists: () => undefined };
