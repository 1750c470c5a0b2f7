import type { Duplex } from "node:stream";
import type { DescMethod } from "@bufbuild/protobuf";
import { Server, type ServiceDefinition, type UntypedHandleCall } from "@grpc/grpc-js";
import type { ServiceRegistration, UntypedHandler } from "../handler.ts";
import { compose, type Interceptor } from "../interceptor/interceptor.ts";
import type { Connection } from "../listener/connection.ts";
import { GrpcInjector } from "../listener/grpc-injector.ts";
import { unimplemented } from "../rpc-error.ts";
import { handleCall } from "./handle-call.ts";
import { answerUnknownMethods } from "./unknown-methods.ts";

export interface GrpcServerOptions {
  readonly services: readonly ServiceRegistration[];
  /** The functions around every call, outermost first. */
  readonly interceptors: readonly Interceptor[];
  /** Largest request message in bytes. Default: 4 MiB, as every gRPC implementation has it. */
  readonly requestBytesMax?: number;
}

const REQUEST_BYTES_MAX = 4 * 1024 * 1024;
/** A connection that has been silent for so long is asked whether it still lives. */
const KEEPALIVE_MS = 5 * 60 * 1000;
const KEEPALIVE_TIMEOUT_MS = 20 * 1000;

/** Serves RPCs on streams that somebody else has accepted (see `rpc/listener`). */
export class GrpcServer {
  readonly #server: Server;
  readonly #injector: GrpcInjector;

  constructor({ services, interceptors, requestBytesMax }: GrpcServerOptions) {
    this.#server = new Server({
      "grpc.max_receive_message_length": requestBytesMax ?? REQUEST_BYTES_MAX,
      "grpc.max_send_message_length": -1,
      "grpc.keepalive_time_ms": KEEPALIVE_MS,
      "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
      "grpc.enable_channelz": 0,
    });
    const around = compose(interceptors);
    for (const registration of services) this.#register(registration, around);
    answerUnknownMethods(this.#server);
    this.#injector = new GrpcInjector(this.#server);
  }

  /** Takes over a stream of bytes on which a client speaks HTTP/2. */
  accept(stream: Duplex, connection: Connection): void {
    this.#injector.inject(stream, connection);
  }

  /**
   * Stops taking calls and waits for those in progress; after `limitMs` they are cut off.
   */
  async close(limitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    // The library never reports back when a connection breaks at this very moment.
    const timer = setTimeout(() => {
      this.#server.forceShutdown();
      resolve();
    }, limitMs);
    this.#injector.drain(limitMs);
    this.#server.tryShutdown(() => resolve());
    await promise;
    clearTimeout(timer);
    this.#injector.destroy();
  }

  #register({ service, handlers }: ServiceRegistration, around: Interceptor): void {
    const definition: Record<string, ServiceDefinition[string]> = {};
    const implementation: Record<string, UntypedHandleCall> = {};
    for (const method of service.methods) {
      definition[method.name] = methodDefinition(method);
      const handler = handlers.get(method.localName) ?? notBuilt(method);
      implementation[method.name] = handleCall(method, handler, around);
    }
    this.#server.addService(definition, implementation);
  }
}

/** The library passes bytes through: messages are decoded where they are counted. */
function methodDefinition(method: DescMethod): ServiceDefinition[string] {
  const identity = (bytes: Buffer): Buffer => bytes;
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream:
      method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
    responseStream:
      method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  };
}

function notBuilt(method: DescMethod): UntypedHandler {
  return () => {
    throw unimplemented(`method ${method.name} not implemented`);
  };
}
