import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { startTestServer } from "../../testing/test-server.ts";

test("methods that aren't there are refused in the words of Go's library", async (t) => {
  const server = await startTestServer(t);
  const client = new Client(`unix:${server.socketPath}`, credentials.createInsecure());
  t.after(() => client.close());
  const bytes = (value: Buffer) => value;
  const refusal = (path: string) =>
    new Promise<ServiceError | null>((resolve) => {
      client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), resolve);
    });
  for (const [path, details] of [
    [
      "/gitaly.PraefectInfoService/RepositoryReplicas",
      "unknown service gitaly.PraefectInfoService",
    ],
    ["/gitaly.RefTransaction/VoteTransaction", "unknown service gitaly.RefTransaction"],
    ["/gitaly.RefService/Nothing", "unknown method Nothing for service gitaly.RefService"],
    ["/nothing", 'malformed method name: "/nothing"'],
  ] as const) {
    const error = await refusal(path);
    assert.equal(error?.code, 12);
    assert.equal(error?.details, details);
  }
});
