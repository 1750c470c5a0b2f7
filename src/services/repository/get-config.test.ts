import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("getConfig streams the file byte for byte", async (t) => {
  const server = await startTestServer(t);
  const { address, path, git } = server.repository();
  git(["config", "large.value", "x".repeat(100_000)]);
  const chunks: Uint8Array[] = [];
  const replies = server.client(RepositoryService).getConfig({ repository: address });
  for await (const { data } of replies) chunks.push(data);
  assert.deepEqual(Buffer.concat(chunks), readFileSync(join(path, "config")));
  assert.ok(chunks.length > 1);
});

test("getConfig says that there is no configuration", async (t) => {
  const server = await startTestServer(t);
  const { address, path } = server.repository();
  rmSync(join(path, "config"));
  const replies = server.client(RepositoryService).getConfig({ repository: address });
  await assert.rejects(replies.next(), {
    kind: "not-found",
    message: `opening gitconfig: open ${path}/config: no such file or directory`,
  });
});
