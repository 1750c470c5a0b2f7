import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("generateBundleUri is refused where there is no place for bundles", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const request of [{}, { repository: server.repository().address }]) {
    await assert.rejects(client.generateBundleURI(request), {
      kind: "failed-precondition",
      message: "no bundle-generation manager available",
    });
  }
});
