import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { ObjectFormat } from "../../proto/shared_pb.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

test("objectFormat tells the format of a repository", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const refFormat of ["files", "reftable"] as const) {
    const one = server.repository({ format: "sha1", refFormat });
    const two = server.repository({ format: "sha256", refFormat });
    const reply = await client.objectFormat({ repository: one.address });
    assert.equal(reply.format, ObjectFormat.SHA1);
    const other = await client.objectFormat({ repository: two.address });
    assert.equal(other.format, ObjectFormat.SHA256);
  }
});

test("objectFormat refuses a repository whose format can't be told", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address, path } = server.repository();
  const config = join(path, "config");
  writeFileSync(config, "[core]\nbare = true\n[extensions]\nobjectFormat = blake2b");
  await assert.rejects(client.objectFormat({ repository: address }), {
    kind: "internal",
    message: 'detecting object hash: unknown object format: "blake2b"',
  });
  rmSync(config);
  await assert.rejects(client.objectFormat({ repository: address }), {
    kind: "internal",
    message: `detecting object hash: open: open ${config}: no such file or directory`,
  });
});

test("objectFormat refuses requests that name no repository", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const cases = [
    [{}, "invalid-argument", "repository not set"],
    [{ repository: { relativePath: "a" } }, "invalid-argument", "storage name not set"],
    [{ repository: { storageName: TEST_STORAGE } }, "invalid-argument", "repository path not set"],
    [
      { repository: { storageName: TEST_STORAGE, relativePath: "a.git" } },
      "not-found",
      "repository not found",
    ],
  ] as const;
  for (const [request, kind, message] of cases) {
    await assert.rejects(client.objectFormat(request), { kind, message });
  }
});
