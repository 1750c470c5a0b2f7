import { Metadata } from "@grpc/grpc-js";
import type { RequestMetadata } from "../call.ts";

/** Reads the metadata of a request through the gRPC library. */
export function requestMetadata(metadata: Metadata): RequestMetadata {
  const getAll = (key: string): readonly string[] => metadata.get(key).map(text);
  return {
    getAll,
    get: (key) => getAll(key).at(-1),
    keys: () => Object.keys(metadata.getMap()),
  };
}

/** Makes the library's metadata from pairs; binary keys end in `-bin` and take bytes. */
export function metadataOf(pairs: Iterable<readonly [string, string | Uint8Array]>): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of pairs) {
    metadata.add(key, typeof value === "string" ? value : Buffer.from(value));
  }
  return metadata;
}

function text(value: string | Buffer): string {
  return typeof value === "string" ? value : value.toString("latin1");
}
