import {
  create,
  type DescMethod,
  type DescService,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { ActiveCall } from "./active-call.ts";
import { CallError } from "./call-error.ts";
import type { CallOptions } from "./call-options.ts";
import type { Channel } from "./channel.ts";
import { encodeMessage } from "./outgoing-message.ts";

type RequestInit<M extends DescMethod> = MessageInitShape<M["input"]>;
type RequestInits<M extends DescMethod> = AsyncIterable<RequestInit<M>> | Iterable<RequestInit<M>>;
type Reply<M extends DescMethod> = MessageShape<M["output"]>;

/** The function that calls one RPC; its shape follows from the method's descriptor. */
export type ClientMethod<M extends DescMethod> = M["methodKind"] extends "unary"
  ? (request: RequestInit<M>, options?: CallOptions) => Promise<Reply<M>>
  : M["methodKind"] extends "server_streaming"
    ? (request: RequestInit<M>, options?: CallOptions) => AsyncGenerator<Reply<M>, void, undefined>
    : M["methodKind"] extends "client_streaming"
      ? (requests: RequestInits<M>, options?: CallOptions) => Promise<Reply<M>>
      : (
          requests: RequestInits<M>,
          options?: CallOptions,
        ) => AsyncGenerator<Reply<M>, void, undefined>;

/** The RPCs of a service by the method's name in lowerCamel. */
export type Client<S extends DescService> = {
  readonly [K in keyof S["method"]]: ClientMethod<S["method"][K]>;
};

/**
 * Makes the functions that call a service over a channel.
 *
 * Requests are given as messages or as the fields to make one from. Streamed replies are pulled:
 * the server is held back by a slow reader, and a call whose loop is left early is cancelled.
 * Streamed requests are pulled likewise, when the server has room. A call that fails throws a
 * CallError with the server's status.
 */
export function createClient<S extends DescService>(service: S, channel: Channel): Client<S> {
  const methods = service.methods.map((method) => [
    method.localName,
    clientMethod(method, channel),
  ]);
  // Each function was made for its descriptor's kind; the list of entries forgets which is which.
  return Object.fromEntries(methods) as Client<S>;
}

/** How often a call is made that the server refuses unseen. */
const ATTEMPTS_MAX = 2;

type UntypedMethod = (input: unknown, options?: CallOptions) => unknown;

function clientMethod(method: DescMethod, channel: Channel): UntypedMethod {
  const path = `/${method.parent.typeName}/${method.name}`;
  const open = (options: CallOptions = {}): Promise<ActiveCall> => channel.open(path, options);
  switch (method.methodKind) {
    case "unary":
      return async (request, options) => {
        const { call, first } = await ask(encode(method, request), () => open(options));
        return onlyReply(method, call, first);
      };
    case "server_streaming":
      return async function* (request, options) {
        const { call, first } = await ask(encode(method, request), () => open(options));
        yield* replies(method, call, first);
      };
    case "client_streaming":
      return async (requests, options) => {
        const call = await open(options);
        void sendAll(method, requests, call);
        return onlyReply(method, call, await call.receive());
      };
    case "bidi_streaming":
      return async function* (requests, options) {
        const call = await open(options);
        void sendAll(method, requests, call);
        yield* replies(method, call, await call.receive());
      };
  }
}

/**
 * Sends the only request of a call and waits for the first reply.
 *
 * A call that the server refused unseen, as it does while it shuts down, is made again.
 */
async function ask(
  request: Uint8Array,
  open: () => Promise<ActiveCall>,
): Promise<{ readonly call: ActiveCall; readonly first: Buffer | undefined }> {
  for (let attempt = 1; ; attempt += 1) {
    const call = await open();
    call.sendOnly(request);
    try {
      return { call, first: await call.receive() };
    } catch (error) {
      if (!call.refused || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

/** Sends until the source is dry or the call has ended; a failing source fails the call. */
async function sendAll(method: DescMethod, requests: unknown, call: ActiveCall): Promise<void> {
  try {
    for await (const request of requests as AsyncIterable<unknown> | Iterable<unknown>) {
      // The caller's types say that it is the fields of this method's request.
      const init = request as MessageInitShape<typeof method.input>;
      if (!(await call.send(encodeMessage(method.input, init)))) return;
    }
    call.endSending();
  } catch (error) {
    call.abort(error);
  }
}

async function onlyReply(
  method: DescMethod,
  call: ActiveCall,
  first: Buffer | undefined,
): Promise<Message> {
  if (first === undefined) throw new CallError("internal", "cardinality violation: no reply");
  const second = await call.receive();
  if (second !== undefined) {
    call.cancel();
    throw new CallError("internal", "cardinality violation: more than one reply");
  }
  return decode(method, first);
}

async function* replies(
  method: DescMethod,
  call: ActiveCall,
  first: Buffer | undefined,
): AsyncGenerator<Message, void, undefined> {
  try {
    for (let bytes = first; bytes !== undefined; bytes = await call.receive()) {
      yield decode(method, bytes);
    }
  } finally {
    call.cancel();
  }
}

function encode({ input }: DescMethod, request: unknown): Uint8Array {
  return toBinary(input, create(input, request as MessageInitShape<typeof input>));
}

function decode({ output }: DescMethod, bytes: Buffer): Message {
  try {
    return fromBinary(output, bytes);
  } catch (error) {
    throw new CallError("internal", "grpc: failed to unmarshal the received message", {
      cause: error,
    });
  }
}
