import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("createBundleFromRefList bundles what the client names and the receiver lacks", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const old = writeCommit(repository, { ref: "refs/heads/old" });
  const main = writeCommit(repository, {
    content: "new\n",
    parents: [old],
    ref: "refs/heads/main",
  });
  writeCommit(repository, { content: "other\n", ref: "refs/heads/other" });
  const patterns = [["refs/heads/main"], ["^refs/heads/old", "refs/heads/missing"]];
  const requests = patterns.map((part) => ({
    repository: repository.address,
    patterns: part.map((pattern) => Buffer.from(pattern)),
  }));
  const client = server.client(RepositoryService);
  const replies = await collect(client.createBundleFromRefList(requests));
  const path = join(temporaryDirectory(t), "bundle");
  writeFileSync(path, Buffer.concat(replies.map(({ data }) => data)));
  const heads = repository.gitLines(["bundle", "list-heads", path]);
  assert.deepEqual(heads, [`${main} refs/heads/main`]);
  assert.match(
    repository.gitLine(["bundle", "verify", path]),
    new RegExp(`requires this ref:\n${old}`),
  );
});

test("createBundleFromRefList refuses what would be empty", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: "refs/heads/main" });
  const client = server.client(RepositoryService);
  for (const pattern of ["refs/heads/missing", "^refs/heads/main"]) {
    const request = { repository: repository.address, patterns: [Buffer.from(pattern)] };
    await assert.rejects(collect(client.createBundleFromRefList([request])), {
      kind: "failed-precondition",
      message: "create bundle: refusing to create empty bundle",
    });
  }
  await assertRepositoryErrors((address) =>
    client.createBundleFromRefList([address === undefined ? {} : { repository: address }]),
  );
});
