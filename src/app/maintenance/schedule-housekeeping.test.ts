import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { eventually } from "../../testing/processes.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("a server tidies a repository that is written to", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const commit = commitFiles(repository, { a: "a" });
  const client = server.client(RepositoryService);
  const write = (number: number) =>
    client.writeRef({
      repository: repository.address,
      ref: Buffer.from(`refs/heads/branch-${number}`),
      revision: Buffer.from(commit),
    });
  for (let number = 0; number < 20; number++) await write(number);
  const packs = join(repository.path, "objects/pack/multi-pack-index");
  assert.equal(existsSync(packs), false);
  await write(20);
  await eventually("packs", 30_000, () => existsSync(packs));
  assert.equal(repository.gitLines(["for-each-ref"]).length, 21);
});

test("a server refuses to tidy a repository twice at once", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  repository.git(["update-ref", "refs/heads/main", commitFiles(repository, { a: "a" })]);
  const client = server.client(RepositoryService);
  const request = { repository: repository.address };
  const calls = [client.optimizeRepository(request), client.pruneUnreachableObjects(request)];
  const [first, second] = await Promise.allSettled(calls);
  assert.equal(first?.status, "fulfilled");
  assert.equal(second?.status, "rejected");
  assert.match(String(second.reason), /housekeeping already executing for repository/);
  await client.optimizeRepository(request);
});
