import type { DescMethod, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Call } from "./call.ts";
import type { EncodedReply } from "./encoded-reply.ts";

/** The request message of a method. */
export type Request<M extends DescMethod> = MessageShape<M["input"]>;

/** What a handler may answer: the reply message, or the fields to make one from. */
export type Reply<M extends DescMethod> = MessageInitShape<M["output"]>;

/**
 * The function that serves one RPC; its shape follows from the method's descriptor.
 *
 * | Method | Handler |
 * |---|---|
 * | unary | takes the request, returns a promise of the reply |
 * | server streaming | takes the request, returns an async iterable of replies |
 * | client streaming | takes an async iterable of requests, returns a promise of the reply |
 * | bidirectional | takes and returns async iterables |
 *
 * Replies are pulled: the next one is asked for when the client has room for it. A handler that is
 * not asked further (the client went away) is ended through its iterator's `return`, so `finally`
 * blocks run. `call.signal` is aborted on cancellation and at the deadline.
 */
export type Handler<M extends DescMethod> = M["methodKind"] extends "unary"
  ? (request: Request<M>, call: Call) => Promise<Reply<M>>
  : M["methodKind"] extends "server_streaming"
    ? (request: Request<M>, call: Call) => AsyncIterable<Reply<M>>
    : M["methodKind"] extends "client_streaming"
      ? (requests: AsyncIterable<Request<M>>, call: Call) => Promise<Reply<M>>
      : (requests: AsyncIterable<Request<M>>, call: Call) => AsyncIterable<Reply<M>>;

/** As `Handler`, for one request, whose handler encodes some or all of its replies by itself. */
export type EncodingHandler<M extends DescMethod> = M["methodKind"] extends "server_streaming"
  ? (request: Request<M>, call: Call) => AsyncIterable<Reply<M> | EncodedReply<M["output"]>>
  : M["methodKind"] extends "unary"
    ? (request: Request<M>, call: Call) => Promise<Reply<M> | EncodedReply<M["output"]>>
    : never;

/** Handlers of one service by the method's name in lowerCamel; a method left out is not built yet. */
export type ServiceHandlers<S extends DescService> = {
  readonly [K in keyof S["method"]]?: Handler<S["method"][K]> | EncodingHandler<S["method"][K]>;
};

/** A service together with the handlers that exist for it. Made by `serve`. */
export interface ServiceRegistration {
  readonly service: DescService;
  readonly handlers: ReadonlyMap<string, UntypedHandler>;
}

/** A handler whose messages the type system has forgotten; only the server calls it. */
export type UntypedHandler = (input: unknown, call: Call) => unknown;

/** Pairs a service's descriptor with its handlers, checking each against its method. */
export function serve<S extends DescService>(
  service: S,
  handlers: ServiceHandlers<S>,
): ServiceRegistration {
  const entries = Object.entries(handlers).filter(([, handler]) => handler !== undefined);
  // The mapped type above has checked every handler against its method; the map forgets that.
  return { service, handlers: new Map(entries as [string, UntypedHandler][]) };
}
