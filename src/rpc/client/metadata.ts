import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import type { RequestMetadata } from "../call.ts";

/** Metadata to send: text under plain keys, bytes under keys that end in `-bin`. */
export type OutgoingMetadata = Readonly<
  Record<string, string | Uint8Array | readonly string[] | undefined>
>;

/** Metadata that came with a reply, ahead of the first message (header) or after the last. */
export interface ResponseMetadata extends RequestMetadata {
  /** All values of a key that ends in `-bin`. */
  getBytes(key: string): readonly Uint8Array[];
}

/** Turns metadata into HTTP/2 headers; keys are made lower case, bytes become base64. */
export function metadataHeaders(metadata: OutgoingMetadata): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  for (const [key, value] of Object.entries(metadata)) {
    if (value !== undefined) headers[key.toLowerCase()] = headerValue(value);
  }
  return headers;
}

/** Reads the metadata out of HTTP/2 headers or trailers. */
export function responseMetadata(headers: IncomingHttpHeaders): ResponseMetadata {
  const values = (key: string): readonly string[] => {
    const value = headers[key];
    return value === undefined ? [] : [value].flat();
  };
  const getBytes = (key: string): readonly Uint8Array[] =>
    values(key).flatMap((value) => value.split(",").map((part) => Buffer.from(part, "base64")));
  const getAll = (key: string): readonly string[] =>
    key.endsWith("-bin")
      ? getBytes(key).map((bytes) => Buffer.from(bytes).toString("latin1"))
      : values(key);
  const keys = (): readonly string[] => Object.keys(headers);
  return { getAll, getBytes, keys, get: (key) => getAll(key).at(-1) };
}

function headerValue(value: string | Uint8Array | readonly string[]): string | string[] {
  if (typeof value === "string") return value;
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : [...value];
}
