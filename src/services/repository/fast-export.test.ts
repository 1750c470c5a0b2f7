import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { collect } from "../../testing/repository-errors.ts";
import { writeCommit, writeNoise } from "../../testing/test-commits.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

test("fastExport sends what git-fast-import can read", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const format of ["sha1", "sha256"] as const) {
    const served = server.repository({ format });
    const parent = writeCommit(served, { ref: "refs/heads/main" });
    writeCommit(served, { content: "other", parents: [parent], ref: "refs/heads/other" });
    const replies = await collect(client.fastExport({ repository: served.address }));
    const input = Buffer.concat(replies.map(({ data }) => data));
    const copy = server.repository({ format: format === "sha1" ? "sha256" : "sha1" });
    copy.git(["fast-import", "--quiet"], { input });
    assert.equal(copy.gitLine(["cat-file", "-p", "other:file"]), "other");
    assert.equal(copy.gitLine(["cat-file", "-p", "other~:file"]), "content");
  }
});

test("fastExport sends nothing of an empty repository", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address: repository } = server.repository();
  assert.deepEqual(await collect(client.fastExport({ repository })), []);
});

test("fastExport refuses repositories that aren't there", async (t) => {
  const client = (await startTestServer(t)).client(RepositoryService);
  await assert.rejects(collect(client.fastExport({})), {
    kind: "invalid-argument",
    message: "repository is not set",
  });
  for (const [repository, kind, message] of [
    [{ storageName: TEST_STORAGE, relativePath: "a" }, "not-found", "repository not found"],
    [{ storageName: "other", relativePath: "a" }, "invalid-argument", "storage name not found"],
    [{ storageName: "", relativePath: "a" }, "invalid-argument", "storage name not set"],
    [
      { storageName: TEST_STORAGE, relativePath: "" },
      "invalid-argument",
      "repository path not set",
    ],
  ] as const) {
    await assert.rejects(collect(client.fastExport({ repository })), {
      kind,
      message: `cmd start failed: get repo path: ${message}`,
    });
  }
});

test("fastExport ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const served = server.repository();
  writeNoise(served, 32);
  const gone = new AbortController();
  const replies = client.fastExport({ repository: served.address }, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
