import assert from "node:assert/strict";
import { utimesSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { createTestPool } from "../../testing/object-pool.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

const MINUTE_MS = 60_000;

test("pruneUnreachableObjects removes what is unreachable for half an hour", async (t) => {
  for (const format of ["sha1", "sha256"] as const) {
    const server = await startTestServer(t);
    const repository = server.repository({ format });
    const commit = commitFiles(repository, { a: "a" });
    repository.git(["update-ref", "refs/heads/main", commit]);
    const lose = (content: string, minutes: number): string => {
      const oid = repository.gitLine(["hash-object", "-w", "--stdin"], { input: content });
      const seconds = (Date.now() - minutes * MINUTE_MS) / 1000;
      const file = join(repository.path, "objects", oid.slice(0, 2), oid.slice(2));
      utimesSync(file, seconds, seconds);
      return oid;
    };
    const [old, young] = [lose("old", 31), lose("young", 29)];
    const request = { repository: repository.address };
    await server.client(RepositoryService).pruneUnreachableObjects(request);
    assert.throws(() => repository.git(["cat-file", "-e", old]));
    assert.equal(repository.gitLine(["cat-file", "-t", young]), "blob");
    assert.equal(repository.git(["fsck", "--strict", "--no-dangling"]).length, 0);
    assert.equal(repository.gitLine(["rev-parse", "main"]), commit);
  }
});

test("pruneUnreachableObjects refuses object pools and what isn't there", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  await assertRepositoryErrors((repository) =>
    client.pruneUnreachableObjects(repository ? { repository } : {}),
  );
  const pool = await createTestPool(server, server.repository());
  await assert.rejects(client.pruneUnreachableObjects({ repository: pool.address }), {
    kind: "invalid-argument",
    message: "pruning objects for object pool",
  });
});
