import { once } from "node:events";
import {
  create,
  type DescMethod,
  fromBinary,
  type Message,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { sendUnaryData, UntypedHandleCall } from "@grpc/grpc-js";
import type {
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
} from "@grpc/grpc-js/build/src/server-call.js";
import { readSide } from "../../base/stream/read-side.ts";
import { EncodedReply } from "../encoded-reply.ts";
import type { UntypedHandler } from "../handler.ts";
import type { Interceptor } from "../interceptor/interceptor.ts";
import { cancelled, internal } from "../rpc-error.ts";
import { STATUS_OK, type Status, statusOf } from "../status/status.ts";
import { metadataOf } from "./metadata.ts";
import { GrpcServerCall } from "./server-call.ts";

type Writer = ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;
type Reader = ServerReadableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

/** Adapts a handler and the interceptors around it to the gRPC library's calling conventions. */
export function handleCall(
  method: DescMethod,
  handler: UntypedHandler,
  around: Interceptor,
): UntypedHandleCall {
  switch (method.methodKind) {
    case "unary":
      return (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
        void answerOnce(single(method, call, call.request), handler, around, answer);
      };
    case "client_streaming":
      return (call: ServerReadableStream<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
        void answerOnce(streamed(method, call), handler, around, answer);
      };
    case "server_streaming":
      return (call: ServerWritableStream<Buffer, Buffer>) => {
        void answerMany(single(method, call, call.request), handler, around, call);
      };
    case "bidi_streaming":
      return (call: ServerDuplexStream<Buffer, Buffer>) => {
        void answerMany(streamed(method, call), handler, around, call);
      };
  }
}

/** A call in progress, and how to get the handler's input once the interceptors have passed it. */
interface Started {
  readonly call: GrpcServerCall;
  readonly input: () => unknown;
}

function single(
  method: DescMethod,
  source: ServerUnaryCall<Buffer, Buffer> | ServerWritableStream<Buffer, Buffer>,
  bytes: Buffer,
): Started {
  let request: Message | undefined;
  let failure: Error | undefined;
  try {
    request = decode(method, bytes);
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
  }
  const call = new GrpcServerCall(method, source, { requests: none(), request }, Date.now());
  count(call, bytes);
  return {
    call,
    input: () => {
      if (failure !== undefined) throw failure;
      return request;
    },
  };
}

function streamed(method: DescMethod, source: Reader): Started {
  const call = new GrpcServerCall(
    method,
    source,
    { requests: none(), request: undefined },
    Date.now(),
  );
  call.requests = receive(call, source);
  // A handler that returns early leaves requests unread; nobody listens for their errors then.
  source.on("error", () => undefined);
  return { call, input: () => call.requests };
}

async function* receive(call: GrpcServerCall, source: Reader): AsyncGenerator<Message> {
  try {
    for await (const bytes of readSide(source)) {
      count(call, bytes);
      yield decode(call.method, bytes);
    }
  } catch (error) {
    throw call.signal.aborted ? cancelled("context canceled", { cause: error }) : error;
  }
  // The library ends the stream alike when the client is done and when it has gone away.
  if (call.signal.aborted) throw cancelled("context canceled");
}

async function* none(): AsyncGenerator<Message, void, undefined> {}

async function answerOnce(
  { call, input }: Started,
  handler: UntypedHandler,
  around: Interceptor,
  answer: sendUnaryData<Buffer>,
): Promise<void> {
  let reply: Buffer | undefined;
  const status = await settle(call, around, async () => {
    reply = encode(call, await handler(input(), call));
  });
  if (status.code === 0 && reply !== undefined) {
    call.sendHeaders();
    answer(null, reply, metadataOf(call.trailers));
  } else answer(libraryStatus(call, status));
}

async function answerMany(
  { call, input }: Started,
  handler: UntypedHandler,
  around: Interceptor,
  sink: Writer,
): Promise<void> {
  const status = await settle(call, around, async () => {
    // The type of the handler says so: see Handler for streaming methods.
    const replies = handler(input(), call) as AsyncIterable<unknown>;
    for await (const reply of replies) {
      if (call.signal.aborted) throw cancelled("context canceled");
      call.sendHeaders();
      if (!sink.write(encode(call, reply))) await drained(sink, call.signal);
    }
  });
  call.sendHeaders();
  if (status.code === 0) sink.end(metadataOf(call.trailers));
  else sink.emit("error", libraryStatus(call, status));
}

/** Runs the interceptors around `work` and says how the call ended. */
async function settle(
  call: GrpcServerCall,
  around: Interceptor,
  work: () => Promise<void>,
): Promise<Status> {
  try {
    await around(call, () => work().finally(() => call.runEndActions()));
    return STATUS_OK;
  } catch (error) {
    return statusOf(error, call.interruption);
  } finally {
    call.release();
  }
}

function libraryStatus(call: GrpcServerCall, status: Status): object {
  const trailers = metadataOf(call.trailers);
  if (status.details !== undefined) {
    trailers.set("grpc-status-details-bin", Buffer.from(status.details));
  }
  return { code: status.code, details: status.message.toWellFormed(), metadata: trailers };
}

async function drained(sink: Writer, signal: AbortSignal): Promise<void> {
  try {
    await once(sink, "drain", { signal });
  } catch (error) {
    throw cancelled("context canceled", { cause: error });
  }
}

function decode(method: DescMethod, bytes: Buffer): Message {
  try {
    return fromBinary(method.input, bytes);
  } catch (error) {
    throw internal("grpc: error unmarshalling request", { cause: error });
  }
}

function encode(call: GrpcServerCall, reply: unknown): Buffer {
  const bytes = encodedBytes(call.method, reply);
  call.statistics.sentCount += 1;
  call.statistics.sentBytes += bytes.length;
  return bytes;
}

function encodedBytes({ output, name }: DescMethod, reply: unknown): Buffer {
  if (reply instanceof EncodedReply) {
    if (reply.schema !== output) throw new TypeError(`encoded reply isn't one of ${name}`);
    return reply.bytes;
  }
  const bytes = toBinary(output, create(output, reply as MessageInitShape<typeof output>));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function count(call: GrpcServerCall, bytes: Buffer): void {
  call.statistics.receivedCount += 1;
  call.statistics.receivedBytes += bytes.length;
}
