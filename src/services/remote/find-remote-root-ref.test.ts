import assert from "node:assert/strict";
import { test } from "node:test";
import { RemoteService } from "../../proto/remote_pb.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { requireBasicAuth, startGitHttpServer } from "../../testing/git-http-server.ts";
import { createTestRepository, temporaryDirectory } from "../../testing/git-repository.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("findRemoteRootRef names the branch of the remote's HEAD", async (t) => {
  const server = await startTestServer(t);
  const { address: repository } = server.repository();
  const client = server.client(RemoteService);
  const remote = createTestRepository(t);
  remote.git(["update-ref", "refs/heads/main", commitFiles(remote, { a: "a" })]);
  const auth = requireBasicAuth("joe", "secret");
  const { url, port } = await startGitHttpServer(t, remote.path, auth);
  const httpAuthorizationHeader = `Basic ${Buffer.from("joe:secret").toString("base64")}`;
  const withUser = url.replace("//", "//joe:secret@");
  assert.equal((await client.findRemoteRootRef({ repository, remoteUrl: withUser })).ref, "main");
  const request = { repository, remoteUrl: url, httpAuthorizationHeader };
  assert.equal((await client.findRemoteRootRef(request)).ref, "main");
  const pinned = { ...request, remoteUrl: url.replace("127.0.0.1", "example.com") };
  const resolvedAddress = "127.0.0.1";
  assert.equal((await client.findRemoteRootRef({ ...pinned, resolvedAddress })).ref, "main");
  remote.git(["symbolic-ref", "HEAD", "refs/heads/other"]);
  remote.git(["update-ref", "refs/heads/other", "refs/heads/main"]);
  assert.equal((await client.findRemoteRootRef(request)).ref, "other");
  await assert.rejects(client.findRemoteRootRef({ repository, remoteUrl: url }), {
    kind: "internal",
    message: "exit status 128",
  });
  const unreachable = { repository, remoteUrl: `http://127.0.0.1:${port}/no.git` };
  await assert.rejects(client.findRemoteRootRef(unreachable), { message: "exit status 128" });
});

test("findRemoteRootRef says what is wrong", async (t) => {
  const server = await startTestServer(t);
  const { address: repository } = server.repository();
  const client = server.client(RemoteService);
  const empty = createTestRepository(t).path;
  const refuses = async (
    request: Parameters<typeof client.findRemoteRootRef>[0],
    kind: string,
    message: string,
  ): Promise<void> => assert.rejects(client.findRemoteRootRef(request), { kind, message });
  await refuses({ repository }, "invalid-argument", "missing remote URL");
  await refuses({ remoteUrl: "x" }, "invalid-argument", "repository not set");
  await refuses({ repository, remoteUrl: `file://${empty}` }, "not-found", "no remote HEAD found");
  const nothing = `file://${temporaryDirectory(t)}`;
  await refuses({ repository, remoteUrl: nothing }, "internal", "exit status 128");
  await refuses(
    { repository, remoteUrl: "https://example.com/x", resolvedAddress: "foo" },
    "invalid-argument",
    "couldn't get curloptResolve config: resolved address has invalid IPv4/IPv6 address",
  );
});
