import type { DescMethod, Message } from "@bufbuild/protobuf";
import type { ServerSurfaceCall } from "@grpc/grpc-js/build/src/server-call.js";
import type { CallStatistics, RequestMetadata, ServerCall } from "../call.ts";
import { type Connection, connectionOf } from "../listener/connection.ts";
import type { Interruption } from "../status/status.ts";
import { metadataOf, requestMetadata } from "./metadata.ts";

/** One call in progress: what interceptors and handlers see of the gRPC library's call. */
export class GrpcServerCall implements ServerCall {
  readonly method: DescMethod;
  readonly fullMethod: string;
  readonly metadata: RequestMetadata;
  readonly peer: string;
  readonly deadlineMs: number | undefined;
  readonly connection: Connection;
  readonly startedAtMs: number;
  readonly statistics: CallStatistics = {
    receivedCount: 0,
    receivedBytes: 0,
    sentCount: 0,
    sentBytes: 0,
  };
  readonly logFields: Record<string, unknown> = {};
  correlationId = "";
  requests: AsyncIterable<Message>;
  readonly request: Message | undefined;
  readonly trailers: [string, string | Uint8Array][] = [];
  readonly #call: ServerSurfaceCall;
  readonly #controller = new AbortController();
  readonly #endActions: (() => void)[] = [];
  readonly #onCancelled = (): void => this.#controller.abort();
  #headers: [string, string][] = [];

  constructor(
    method: DescMethod,
    call: ServerSurfaceCall,
    input: { requests: AsyncIterable<Message>; request: Message | undefined },
    nowMs: number,
  ) {
    this.method = method;
    this.fullMethod = call.getPath();
    this.metadata = requestMetadata(call.metadata);
    this.deadlineMs = deadlineOf(call);
    this.connection = connectionOf(call);
    this.peer = this.connection.peer;
    this.startedAtMs = nowMs;
    this.requests = input.requests;
    this.request = input.request;
    this.#call = call;
    call.once("cancelled", this.#onCancelled);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** How the call was cut short, if it was. */
  get interruption(): Interruption | undefined {
    if (!this.signal.aborted) return undefined;
    const expired = this.deadlineMs !== undefined && Date.now() >= this.deadlineMs;
    return expired ? "deadline-exceeded" : "cancelled";
  }

  setHeader(key: string, value: string): void {
    this.#headers.push([key, value]);
  }

  setTrailer(key: string, value: string): void {
    this.trailers.push([key, value]);
  }

  atEnd(action: () => void): void {
    this.#endActions.push(action);
  }

  /**
   * Stops listening for a cancellation: the library tells of one at the end of every call, too, and
   * aborting a signal that nobody listens to any more costs a tenth of a small call.
   */
  release(): void {
    this.#call.off("cancelled", this.#onCancelled);
  }

  /** Runs what `atEnd` has collected. */
  runEndActions(): void {
    for (const action of this.#endActions.splice(0)) action();
  }

  /** Sends the header metadata if an interceptor has set any and it has not gone out yet. */
  sendHeaders(): void {
    if (this.#headers.length === 0) return;
    this.#call.sendMetadata(metadataOf(this.#headers));
    this.#headers = [];
  }
}

function deadlineOf(call: ServerSurfaceCall): number | undefined {
  const deadline = call.getDeadline();
  const milliseconds = deadline instanceof Date ? deadline.getTime() : deadline;
  return Number.isFinite(milliseconds) ? milliseconds : undefined;
}
