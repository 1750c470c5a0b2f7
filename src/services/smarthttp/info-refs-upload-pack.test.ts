import assert from "node:assert/strict";
import { test } from "node:test";
import { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { writeCommit } from "../../testing/test-commits.ts";
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

test("infoRefsUploadPack hides refs that clients have no use for", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository({ format: "sha256" });
  const commit = writeCommit(repository, { ref: "refs/heads/main" });
  const shown = ["refs/environments/1", "refs/merge-requests/1/head", "refs/pipelines/1"];
  const hidden = ["refs/keep-around/1", "refs/remotes/r/x", "refs/tmp/1"];
  for (const ref of [...shown, ...hidden]) repository.git(["update-ref", ref, commit]);
  const client = server.client(SmartHTTPService);
  const request = { repository: repository.address };
  const refsOf = (text: string): string[] =>
    text.match(/(?<= )(?:HEAD|refs\/[\w/-]+)(?=[\0\n])/g) ?? [];
  const text = await joined(client.infoRefsUploadPack(request));
  assert.deepEqual(refsOf(text), [
    "HEAD",
    "refs/environments/1",
    "refs/heads/main",
    ...shown.slice(1),
  ]);
  assert.match(text, /object-format=sha256/);

  const gitConfigOptions = ["transfer.hideRefs=refs"];
  const few = await joined(client.infoRefsUploadPack({ ...request, gitConfigOptions }));
  assert.deepEqual(refsOf(few), ["HEAD"]);
});

test("infoRefsUploadPack says what is wrong with the repository", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(SmartHTTPService);
  await assertRepositoryErrors((repository) =>
    client.infoRefsUploadPack({ ...(repository && { repository }) }),
  );
});
