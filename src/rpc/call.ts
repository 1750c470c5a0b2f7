import type { DescMethod, Message } from "@bufbuild/protobuf";
import type { Connection } from "./listener/connection.ts";

/** Metadata that came with a request. Keys are lower case; binary keys end in `-bin`. */
export interface RequestMetadata {
  /** The last value of `key`, or undefined. Binary values are returned as latin1 text. */
  get(key: string): string | undefined;
  /** All values of `key` in the order of arrival. */
  getAll(key: string): readonly string[];
  /** The names of all metadata that came, each once. */
  keys(): readonly string[];
}

/** Counters of what went over the wire in one call. */
export interface CallStatistics {
  receivedCount: number;
  receivedBytes: number;
  sentCount: number;
  sentBytes: number;
}

/** What a handler may know of the call that it serves, beside the request. */
export interface Call {
  readonly method: DescMethod;
  /** `/gitaly.RefService/RefExists` */
  readonly fullMethod: string;
  /** Aborted when the client cancels, goes away, or the deadline passes. */
  readonly signal: AbortSignal;
  readonly metadata: RequestMetadata;
  /** The address of the other side as a name: `127.0.0.1:4711`, `@` for a unix socket. */
  readonly peer: string;
  /** When the client stops waiting, in milliseconds since the epoch; undefined without a deadline. */
  readonly deadlineMs: number | undefined;
  /** The connection that the call came over; `rpc/sidechannel` opens further streams on it. */
  readonly connection: Connection;
  /** Joins the log lines of everything that happens for one request, over all processes. */
  readonly correlationId: string;
  /** Fields for the one line that is logged when the call ends. */
  readonly logFields: Record<string, unknown>;
  /** Adds metadata that the client receives after the last reply. */
  setTrailer(key: string, value: string): void;
  /** Has `action` run when the handler has settled, before the call is logged. */
  atEnd(action: () => void): void;
}

/** The call as the functions around a handler see it. */
export interface ServerCall extends Call {
  correlationId: string;
  readonly startedAtMs: number;
  readonly statistics: CallStatistics;
  /**
   * The request messages. For methods with a single request it is already there and can be read
   * as `request`; an interceptor that must see the first message of a stream replaces this.
   */
  requests: AsyncIterable<Message>;
  readonly request: Message | undefined;
  /** Adds metadata that is sent ahead of the first reply. */
  setHeader(key: string, value: string): void;
}
