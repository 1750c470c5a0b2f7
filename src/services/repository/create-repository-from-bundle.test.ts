import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { ObjectFormat } from "../../git/oid/oid.ts";
import { RepositoryService } from "../../proto/repository_pb.ts";
import {
  createTestRepository,
  openTestRepository,
  temporaryDirectory,
} from "../../testing/git-repository.ts";
import { eventually } from "../../testing/processes.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

const TARGET = { storageName: TEST_STORAGE, relativePath: "made.git" };

for (const format of ["sha1", "sha256"] as const) {
  test(`createRepositoryFromBundle makes a repository of ${format} with all references`, async (t) => {
    const { server, source, bundle } = await setUp(t, format);
    await server
      .client(RepositoryService)
      .createRepositoryFromBundle([
        { repository: TARGET, data: bundle.subarray(0, 50) },
        { data: bundle.subarray(50) },
      ]);
    const path = join(server.storagePath, TARGET.relativePath);
    const made = openTestRepository(path, format);
    assert.deepEqual(made.gitLines(["for-each-ref"]), source.gitLines(["for-each-ref"]));
    assert.equal(made.gitLine(["symbolic-ref", "HEAD"]), "refs/heads/main");
    assert.deepEqual(
      made.gitLines(["config", "list", "--local", "--name-only"]).filter(isRemote),
      [],
    );
    made.git(["fsck", "--strict"]);
  });
}

test("createRepositoryFromBundle leaves nothing of a bundle that is cut", async (t) => {
  const { server, bundle } = await setUp(t);
  const client = server.client(RepositoryService);
  const data = bundle.subarray(0, bundle.length - 30);
  const call = client.createRepositoryFromBundle([{ repository: TARGET, data }]);
  await assert.rejects(call, {
    kind: "internal",
    message: "creating repository: cloning bundle: waiting for git-clone: exit status 128",
  });
  assert(!existsSync(join(server.storagePath, TARGET.relativePath)));
  assert.deepEqual(readdirSync(join(server.storagePath, "+gitaly", "tmp")), []);
});

test("createRepositoryFromBundle refuses places that are taken or can't be", async (t) => {
  const { server, bundle } = await setUp(t);
  const client = server.client(RepositoryService);
  const { address } = server.repository();
  for (const [request, kind, message] of [
    [
      { repository: address, data: bundle },
      "already-exists",
      "creating repository: repository exists already",
    ],
    [{ data: bundle }, "invalid-argument", "repository not set"],
    [
      { repository: { ...TARGET, relativePath: "" } },
      "invalid-argument",
      "repository path not set",
    ],
    [
      { repository: { ...TARGET, storageName: "other" } },
      "invalid-argument",
      "storage name not found",
    ],
  ] as const) {
    await assert.rejects(client.createRepositoryFromBundle([request]), { kind, message });
  }
  await assert.rejects(client.createRepositoryFromBundle([]), {
    message: "first request failed: EOF",
  });
});

test("createRepositoryFromBundle leaves nothing when it is cancelled", async (t) => {
  const { server, bundle } = await setUp(t);
  const controller = new AbortController();
  async function* half() {
    yield { repository: TARGET, data: bundle.subarray(0, 100) };
    const folder = join(server.storagePath, "+gitaly", "tmp");
    await eventually("the bundle is received", 60_000, () => existsSync(folder));
    controller.abort();
    yield { data: bundle.subarray(100) };
  }
  const client = server.client(RepositoryService);
  await assert.rejects(client.createRepositoryFromBundle(half(), { signal: controller.signal }));
  assert(!existsSync(join(server.storagePath, TARGET.relativePath)));
});

function isRemote(key: string): boolean {
  return key.startsWith("remote.");
}

async function setUp(t: TestContext, format: ObjectFormat = "sha1") {
  const server = await startTestServer(t);
  const source = createTestRepository(t, { format });
  writeCommit(source, { ref: "refs/heads/main" });
  writeCommit(source, { content: "other\n", ref: "refs/merge-requests/1/head" });
  const path = join(temporaryDirectory(t), "bundle");
  source.git(["bundle", "create", "-q", path, "--all", "HEAD"]);
  return { server, source, bundle: readFileSync(path) };
}
