import type { DescMethod, Message } from "@bufbuild/protobuf";
import type { RequestMetadata, ServerCall } from "../rpc/call.ts";

/** What a test wants to be special about its call. */
export interface TestCallOptions {
  readonly metadata?: Readonly<Record<string, string | readonly string[]>>;
  readonly request?: Message;
  readonly requests?: readonly Message[];
  readonly startedAtMs?: number;
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** A call for interceptors that never came over any wire. */
export interface TestCall extends ServerCall {
  /** What has been set as header and trailer metadata. */
  readonly sent: (readonly [kind: "header" | "trailer", key: string, value: string])[];
}

/** Makes a call of `method` that keeps what interceptors do to it. */
export function testCall(method: DescMethod, options: TestCallOptions = {}): TestCall {
  const sent: [kind: "header" | "trailer", key: string, value: string][] = [];
  return {
    sent,
    method,
    fullMethod: `/${method.parent.typeName}/${method.name}`,
    signal: options.signal ?? new AbortController().signal,
    metadata: requestMetadata(options.metadata ?? {}),
    peer: "@",
    deadlineMs: options.deadlineMs,
    connection: { kind: "unix", peer: "@", mux: undefined, bytesWritten: 0 },
    correlationId: "",
    logFields: {},
    startedAtMs: options.startedAtMs ?? Date.now(),
    statistics: { receivedCount: 0, receivedBytes: 0, sentCount: 0, sentBytes: 0 },
    requests: stream(options.requests ?? []),
    request: options.request,
    setHeader: (key, value) => {
      sent.push(["header", key, value]);
    },
    setTrailer: (key, value) => {
      sent.push(["trailer", key, value]);
    },
    atEnd: () => undefined,
  };
}

function requestMetadata(values: NonNullable<TestCallOptions["metadata"]>): RequestMetadata {
  const getAll = (key: string): readonly string[] => {
    const value = values[key] ?? [];
    return typeof value === "string" ? [value] : value;
  };
  return { getAll, get: (key) => getAll(key).at(-1), keys: () => Object.keys(values) };
}

async function* stream(messages: readonly Message[]): AsyncGenerator<Message> {
  yield* messages;
}
