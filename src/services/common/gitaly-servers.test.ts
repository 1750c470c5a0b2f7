import assert from "node:assert/strict";
import { test } from "node:test";
import type { RequestMetadata } from "../../rpc/call.ts";
import { gitalyServer, gitalyServers } from "./gitaly-servers.ts";

function metadataOf(...values: readonly string[]): RequestMetadata {
  return { get: () => values.at(-1), getAll: () => values, keys: () => ["gitaly-servers"] };
}

function encode(servers: unknown): string {
  return Buffer.from(JSON.stringify(servers)).toString("base64");
}

const HERE = { address: "unix:/here", token: "secret" };

test("gitalyServer finds how to reach the server of a storage", () => {
  const metadata = metadataOf(encode({ default: HERE, other: { address: "tcp://there:1" } }));
  assert.deepEqual(gitalyServer(metadata, "default"), HERE);
  assert.deepEqual(gitalyServer(metadata, "other"), { address: "tcp://there:1", token: "" });
});

test("the first of several values counts, also when they come as one", () => {
  const first = encode({ default: HERE });
  const second = encode({ default: { address: "unix:/there" } });
  for (const metadata of [metadataOf(first, second), metadataOf(`${first}, ${second}`)]) {
    assert.deepEqual(gitalyServers(metadata), new Map([["default", HERE]]));
  }
});

test("what isn't there or can't be read is an error", () => {
  const message = (metadata: RequestMetadata, expected: string | RegExp): void => {
    assert.throws(() => gitalyServer(metadata, "missing"), { kind: "unknown", message: expected });
  };
  message(metadataOf(), "empty gitaly-servers metadata");
  message(metadataOf(encode({ default: HERE })), "storage name not found");
  message(metadataOf("abc"), "failed decoding base64: illegal base64 data at input byte 0");
  message(metadataOf("ab*d"), "failed decoding base64: illegal base64 data at input byte 2");
  message(metadataOf(Buffer.from("{").toString("base64")), /^failed unmarshalling json: /);
});
