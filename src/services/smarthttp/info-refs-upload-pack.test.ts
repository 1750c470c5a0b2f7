import assert from "node:assert/strict";
import { test } from "node:test";
import { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import { startTestServer } from "../../testing/test-server.ts";

async function joined(replies: AsyncIterable<{ data: Uint8Array }>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const { data } of replies) chunks.push(data);
  return Buffer.concat(chunks).toString("latin1");
}

test("infoRefsUploadPack advertises what git upload-pack does", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const tree = repository.gitLine(["mktree"]);
  const commit = repository.gitLine(["commit-tree", "-m", "first", tree]);
  repository.git(["update-ref", "refs/heads/main", commit]);
  const client = server.client(SmartHTTPService);

  const plain = await joined(client.infoRefsUploadPack({ repository: repository.address }));
  assert.ok(plain.startsWith(`001e# service=git-upload-pack\n0000`), plain.slice(0, 60));
  assert.match(plain, new RegExp(`${commit} HEAD\0.*allow-reachable-sha1-in-want`));
  assert.match(plain, new RegExp(`003d${commit} refs/heads/main\n0000$`));

  const request = { repository: repository.address, gitProtocol: "version=2" };
  const second = await joined(client.infoRefsUploadPack(request));
  assert.match(second, /000eversion 2\n/);
  assert.doesNotMatch(second, /bundle-uri/);
});

test("infoRefsUploadPack refuses configuration that is no pair", async (t) => {
  const server = await startTestServer(t);
  const { address } = server.repository();
  const client = server.client(SmartHTTPService);
  const replies = client.infoRefsUploadPack({ repository: address, gitConfigOptions: ["bad"] });
  await assert.rejects(joined(replies), {
    kind: "internal",
    message: 'cannot convert invalid config key: "bad"',
  });
});

test("infoRefsUploadPack says what is wrong with the repository", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(SmartHTTPService);
  const repository = { storageName: "default", relativePath: "missing.git" };
  await assert.rejects(joined(client.infoRefsUploadPack({ repository })), {
    kind: "not-found",
    message: "repository not found",
  });
});
