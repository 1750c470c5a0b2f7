import assert from "node:assert/strict";
import { readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { createTestRepository, temporaryDirectory } from "../../testing/git-repository.ts";
import { eventually, gitProcesses } from "../../testing/processes.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { writeCommit, writeNoise } from "../../testing/test-commits.ts";
import { startTestServer } from "../../testing/test-server.ts";

for (const format of ["sha1", "sha256"] as const) {
  test(`createBundle bundles all references of ${format}`, async (t) => {
    const server = await startTestServer(t);
    const repository = server.repository({ format });
    writeCommit(repository, { ref: "refs/heads/main" });
    writeCommit(repository, { content: "other\n", ref: "refs/merge-requests/1/head" });
    const client = server.client(RepositoryService);
    const replies = await collect(client.createBundle({ repository: repository.address }));
    const path = join(temporaryDirectory(t), "bundle");
    writeFileSync(path, Buffer.concat(replies.map(({ data }) => data)));
    const clone = createTestRepository(t, { format });
    clone.git(["fetch", "-q", path, "+refs/*:refs/*"]);
    const list = ["for-each-ref"];
    assert.deepEqual(clone.gitLines(list), repository.gitLines(list));
  });
}

test("createBundle removes working trees that are left over", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: "refs/heads/main" });
  const folder = join(repository.path, "gitlab-worktree");
  const lost = writeCommit(repository, { content: "lost\n" });
  repository.git(["worktree", "add", "--quiet", "--detach", join(folder, "stale"), lost]);
  rmSync(join(repository.path, "objects", lost.slice(0, 2), lost.slice(2)));
  const longAgo = new Date(Date.now() - 7 * 60 * 60 * 1000);
  utimesSync(join(folder, "stale"), longAgo, longAgo);
  const client = server.client(RepositoryService);
  await collect(client.createBundle({ repository: repository.address }));
  assert.deepEqual(readdirSync(folder), []);
});

test("createBundle says that there is nothing to bundle", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  await assert.rejects(collect(client.createBundle({ repository: server.repository().address })), {
    kind: "internal",
    message: "create bundle: refusing to create empty bundle",
  });
  await assertRepositoryErrors((repository) =>
    client.createBundle(repository === undefined ? {} : { repository }),
  );
});

test("createBundle ends git when nobody waits for the bundle", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  writeNoise(repository, 32);
  const controller = new AbortController();
  const replies = server
    .client(RepositoryService)
    .createBundle({ repository: repository.address }, { signal: controller.signal });
  await replies.next();
  controller.abort();
  await assert.rejects(collect(replies));
  await eventually("git ends", 60_000, () => gitProcesses(process.pid).length === 0);
});
