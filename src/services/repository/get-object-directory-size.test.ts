import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

test("getObjectDirectorySize counts the objects of the directory named, nothing else", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address, path, git } = server.repository();
  const size = async (gitObjectDirectory: string): Promise<bigint> => {
    const repository = { ...address, gitObjectDirectory };
    return (await client.getObjectDirectorySize({ repository })).size;
  };
  assert.equal(await size("objects/"), 0n);
  git(["hash-object", "-w", "--stdin"], { input: randomBytes(16 * 1024) });
  assert.equal(await size("objects/"), 16n);
  const quarantine = "objects/tmp_objdir-incoming-abc";
  mkdirSync(join(path, quarantine));
  assert.equal(await size(quarantine), 0n);
  writeFileSync(join(path, quarantine, "pack"), randomBytes(3 * 1024));
  assert.equal(await size(quarantine), 3n);
  mkdirSync(join(server.storagePath, "state/quarantine"), { recursive: true });
  assert.equal(await size("../state/quarantine"), 0n);
});

test("getObjectDirectorySize refuses directories that aren't the repository's", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address, path } = server.repository();
  const other = server.repository();
  const cases = [
    ["", "invalid-argument", "object directory path is not set"],
    [
      `../${other.address.relativePath}/objects`,
      "invalid-argument",
      "not a valid relative path: relative path escapes root directory",
    ],
    [
      "../../outside",
      "invalid-argument",
      "not a valid relative path: relative path escapes root directory",
    ],
    ["objects/no", "not-found", `object directory does not exist: "${path}/objects/no"`],
  ] as const;
  for (const [gitObjectDirectory, kind, message] of cases) {
    const repository = { ...address, gitObjectDirectory };
    await assert.rejects(client.getObjectDirectorySize({ repository }), { kind, message });
  }
});

test("getObjectDirectorySize refuses requests that name no repository", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  await assert.rejects(client.getObjectDirectorySize({}), {
    kind: "invalid-argument",
    message: "repository not set",
  });
  const repository = { storageName: TEST_STORAGE, relativePath: "missing.git" };
  await assert.rejects(client.getObjectDirectorySize({ repository }), {
    kind: "not-found",
    message: "repository not found",
  });
});
