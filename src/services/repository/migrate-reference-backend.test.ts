import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("migrateReferenceBackend refuses: there are no transactions", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  await assertRepositoryErrors((repository) =>
    client.migrateReferenceBackend(repository ? { repository } : {}),
  );
  await assert.rejects(
    client.migrateReferenceBackend({ repository: server.repository().address }),
    {
      kind: "internal",
      message: "transaction not found",
    },
  );
});
