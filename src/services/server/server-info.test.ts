import assert from "node:assert/strict";
import { chmodSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ServerService } from "../../proto/server_pb.ts";
import { readFilesystemId } from "../../storage/metadata/storage-metadata.ts";
import { runTestGit, temporaryDirectory } from "../../testing/git-repository.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("serverInfo tells versions and the state of each storage", async (t) => {
  const [good, broken] = [temporaryDirectory(t), temporaryDirectory(t)];
  const storages = [
    { name: "good", path: good },
    { name: "broken", path: broken },
    { name: "missing", path: join(good, "missing") },
  ];
  const client = (await startTestServer(t, { storages })).client(ServerService);
  rmSync(broken, { recursive: true });
  const info = await client.serverInfo({});
  const manifest = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  assert.equal(info.serverVersion, JSON.parse(manifest).version);
  assert.equal(`git version ${info.gitVersion}\n`, runTestGit(["version"], {}).toString());
  const [first, ...others] = info.storageStatuses;
  assert.equal(first?.storageName, "good");
  assert.equal(first.readable, true);
  assert.equal(first.writeable, true);
  assert.notEqual(first.fsType, "");
  assert.equal(first.filesystemId, readFilesystemId(good));
  assert.notEqual(first.filesystemId, "");
  assert.equal(first.replicationFactor, 1);
  assert.deepEqual(
    others.map(({ $typeName: _, ...status }) => status),
    ["broken", "missing"].map((storageName) => ({
      storageName,
      readable: false,
      writeable: false,
      fsType: "unknown",
      filesystemId: "",
      replicationFactor: 1,
    })),
  );
});

test("serverInfo judges a storage by the owner's permissions", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(ServerService);
  for (const [mode, readable, writeable] of [
    [0o500, true, false],
    [0o300, false, true],
    [0o600, false, true],
    [0o077, false, false],
  ] as const) {
    chmodSync(server.storagePath, mode);
    const [status] = (await client.serverInfo({})).storageStatuses;
    assert.equal(status?.readable, readable);
    assert.equal(status.writeable, writeable);
  }
  chmodSync(server.storagePath, 0o700);
});
