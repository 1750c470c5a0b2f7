import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("backupCustomHooks packs the repository's own hooks", async (t) => {
  const server = await startTestServer(t);
  const { path, address: repository } = server.repository();
  const client = server.client(RepositoryService);
  assert.deepEqual(await collect(client.backupCustomHooks({ repository })), []);
  mkdirSync(join(path, "custom_hooks"));
  writeFileSync(join(path, "custom_hooks", "update"), "");
  const replies = await collect(client.backupCustomHooks({ repository }));
  const input = Buffer.concat(replies.map(({ data }) => data));
  const listing = execFileSync("tar", ["-t"], { input, encoding: "utf8" });
  assert.equal(listing, "custom_hooks/\ncustom_hooks/update\n");
});

test("backupCustomHooks refuses calls about no repository", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  await assertRepositoryErrors((address) =>
    client.backupCustomHooks({ ...(address && { repository: address }) }),
  );
});
