import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerReflection } from "../../proto/grpc/reflection/v1alpha/reflection_pb.ts";
import { collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("serverReflectionInfo answers clients that know its older name", async (t) => {
  const server = await startTestServer(t);
  const value = "gitaly.RefService";
  const messageRequest = { case: "fileContainingSymbol", value } as const;
  const client = server.client(ServerReflection);
  const [answer] = await collect(client.serverReflectionInfo([{ host: "", messageRequest }]));
  assert.equal(answer?.messageResponse.case, "fileDescriptorResponse");
  const [file] = answer.messageResponse.value.fileDescriptorProto;
  assert.match(Buffer.from(file ?? []).toString("latin1"), /ref\.proto/);
  assert.deepEqual(answer.originalRequest?.messageRequest, messageRequest);
});
