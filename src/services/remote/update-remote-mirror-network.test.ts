import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { RemoteService } from "../../proto/remote_pb.ts";
import { startGitHttpServer } from "../../testing/git-http-server.ts";
import { createTestRepository } from "../../testing/git-repository.ts";
import { startGitSshServer } from "../../testing/git-ssh-server.ts";
import { privateTemporaryFolder } from "../../testing/private-temporary-folder.ts";
import { lastCommits, writeRefHistories } from "../../testing/ref-histories.ts";
import { startTestServer } from "../../testing/test-server.ts";

const MAIN = "refs/heads/main";

async function setUp(t: TestContext) {
  const server = await startTestServer(t);
  const source = server.repository();
  writeRefHistories(source, { [MAIN]: "1", "refs/tags/v": "1" });
  const mirror = createTestRepository(t);
  return { client: server.client(RemoteService), repository: source.address, source, mirror };
}

test("updateRemoteMirror pushes over SSH with a key, to hosts that are known", async (t) => {
  const { client, repository, mirror } = await setUp(t);
  const { port, clientKey: sshKey, knownHost: knownHosts } = await startGitSshServer(t);
  const other = await startGitSshServer(t);
  const folder = privateTemporaryFolder(t);
  const remote = { url: `ssh://git@127.0.0.1:${port}${mirror.path}` };
  const wrongHost = other.knownHost.replace(String(other.port), String(port));
  const wrongHostCall = client.updateRemoteMirror([
    { repository, remote, sshKey, knownHosts: wrongHost },
  ]);
  await assert.rejects(wrongHostCall, {
    kind: "internal",
    message: /^get remote references: create git ls-remote: exit status 128, stderr: .*Host key/,
  });
  const wrongKey = { repository, remote, sshKey: other.clientKey, knownHosts };
  await assert.rejects(client.updateRemoteMirror([wrongKey]), { message: /Permission denied/ });
  assert.deepEqual(lastCommits(mirror), {});
  await client.updateRemoteMirror([{ repository, remote, sshKey, knownHosts }]);
  assert.deepEqual(lastCommits(mirror), { [MAIN]: "1", "refs/tags/v": "1" });
  assert.deepEqual(readdirSync(folder), []);
});

test("updateRemoteMirror follows no redirect", async (t) => {
  const { client, repository, mirror } = await setUp(t);
  const moved = await startGitHttpServer(t, mirror.path, (_request, response) => {
    response.writeHead(302, { location: "/elsewhere" }).end();
    return true;
  });
  await assert.rejects(client.updateRemoteMirror([{ repository, remote: { url: moved.url } }]), {
    kind: "internal",
    message: /The requested URL returned error: 302/,
  });
  assert.equal(moved.asked.length, 1);
});

test("updateRemoteMirror tells of a server that dies while it is pushed to", async (t) => {
  const { client, repository, mirror } = await setUp(t);
  let isDying = true;
  const { url } = await startGitHttpServer(t, mirror.path, (request, response) => {
    if (!isDying || !(request.url ?? "").endsWith("/git-receive-pack")) return false;
    response.destroy();
    return true;
  });
  await assert.rejects(client.updateRemoteMirror([{ repository, remote: { url } }]), {
    kind: "internal",
    message: /^push to mirror: git push: exit status 1, stderr: /,
  });
  assert.deepEqual(lastCommits(mirror), {});
  isDying = false;
  await client.updateRemoteMirror([{ repository, remote: { url } }]);
  assert.deepEqual(lastCommits(mirror), { [MAIN]: "1", "refs/tags/v": "1" });
});

test("updateRemoteMirror ends with its caller while the remote says nothing", async (t) => {
  const { client, repository, mirror } = await setUp(t);
  const asked = Promise.withResolvers<void>();
  const hungUp = Promise.withResolvers<void>();
  const { url } = await startGitHttpServer(t, mirror.path, (request) => {
    asked.resolve();
    request.socket.once("close", () => hungUp.resolve());
    return true;
  });
  const controller = new AbortController();
  const { signal } = controller;
  const call = client.updateRemoteMirror([{ repository, remote: { url } }], { signal });
  const failed = assert.rejects(call, { kind: "cancelled" });
  await asked.promise;
  controller.abort();
  await failed;
  // Git has been ended: it has let go of the remote.
  await hungUp.promise;
});
