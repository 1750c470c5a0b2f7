import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { requireBasicAuth, startGitHttpServer } from "../../testing/git-http-server.ts";
import { createTestRepository } from "../../testing/git-repository.ts";
import { startGitSshServer } from "../../testing/git-ssh-server.ts";
import { privateTemporaryFolder } from "../../testing/private-temporary-folder.ts";
import { lastCommits, writeRefHistories } from "../../testing/ref-histories.ts";
import { startTestServer } from "../../testing/test-server.ts";

const MAIN = "refs/heads/main";

async function setUp(t: TestContext) {
  const server = await startTestServer(t);
  const leftovers = (): string[] => readdirSync(join(server.storagePath, "+gitaly/tmp"));
  return { server, client: server.client(RepositoryService), leftovers };
}

test("fetchRemote shows the remote its caller's authorization, and nobody else", async (t) => {
  const { server, client } = await setUp(t);
  const [local, remote] = [server.repository(), createTestRepository(t)];
  writeRefHistories(remote, { [MAIN]: "1" });
  const secret = Buffer.from("joe:secret").toString("base64");
  const auth = requireBasicAuth("joe", "secret");
  const { url, asked } = await startGitHttpServer(t, remote.path, (request, response) => {
    assert.equal(commandLines().includes(secret), false);
    return auth(request, response);
  });
  const repository = local.address;
  await assert.rejects(client.fetchRemote({ repository, remoteParams: { url } }), {
    kind: "internal",
    message: `fetch remote: "fatal: could not read Username for '${new URL(url).origin}': terminal prompts disabled\\n": exit status 128`,
  });
  const httpAuthorizationHeader = `Basic ${secret}`;
  await client.fetchRemote({ repository, remoteParams: { url, httpAuthorizationHeader } });
  assert.deepEqual(lastCommits(local), { [MAIN]: "1" });
  assert.ok(asked.length > 2);
});

function commandLines(): string {
  const read = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1");
    } catch {
      return "";
    }
  };
  return readdirSync("/proc").map(read).join("\n");
}

test("fetchRemote asks the address that its caller has resolved", async (t) => {
  const { server, client } = await setUp(t);
  const [local, remote] = [server.repository(), createTestRepository(t)];
  writeRefHistories(remote, { [MAIN]: "1" });
  const { url: realUrl } = await startGitHttpServer(t, remote.path);
  const url = realUrl.replace("127.0.0.1", "nowhere.example.com");
  const repository = local.address;
  await client.fetchRemote({ repository, remoteParams: { url, resolvedAddress: "127.0.0.1" } });
  assert.deepEqual(lastCommits(local), { [MAIN]: "1" });
  const remoteParams = { url, resolvedAddress: "localhost" };
  await assert.rejects(client.fetchRemote({ repository, remoteParams }), {
    kind: "internal",
    message: "couldn't get curloptResolve config: resolved address has invalid IPv4/IPv6 address",
  });
});

test("fetchRemote sends what is in the URL at once when it is told to", async (t) => {
  const { server, client } = await setUp(t);
  const [local, remote] = [server.repository(), createTestRepository(t)];
  writeRefHistories(remote, { [MAIN]: "1" });
  const { url, asked } = await startGitHttpServer(t, remote.path);
  const first = async (user: string, flag: string): Promise<string | undefined> => {
    asked.length = 0;
    const remoteParams = { url: url.replace("//", `//${user}`) };
    const metadata = { "gitaly-feature-fetch-remote-proactive-auth": flag };
    await client.fetchRemote({ repository: local.address, remoteParams }, { metadata });
    return asked[0]?.authorization;
  };
  const header = `Basic ${Buffer.from("joe:secret").toString("base64")}`;
  assert.equal(await first("joe:secret@", "true"), header);
  assert.equal(await first("joe:secret@", "false"), undefined);
  assert.equal(await first("joe@", "true"), undefined);
  assert.equal(await first("", "true"), undefined);
});

test("fetchRemote follows no redirect, and waits no longer than it may", async (t) => {
  const { server, client, leftovers } = await setUp(t);
  const [local, remote] = [server.repository(), createTestRepository(t)];
  writeRefHistories(remote, { [MAIN]: "1" });
  const moved = await startGitHttpServer(t, remote.path, (_request, response) => {
    response.writeHead(303, { location: "/elsewhere" }).end();
    return true;
  });
  const repository = local.address;
  await assert.rejects(client.fetchRemote({ repository, remoteParams: { url: moved.url } }), {
    kind: "internal",
    message: `fetch remote: "fatal: unable to access '${moved.url}/': The requested URL returned error: 303\\n": exit status 128`,
  });
  assert.equal(moved.asked.length, 1);
  const silent = await startGitHttpServer(t, remote.path, () => true);
  const request = { repository, remoteParams: { url: silent.url }, timeout: 1 };
  await assert.rejects(client.fetchRemote(request), {
    kind: "internal",
    message: "fetch remote: signal: killed: context deadline exceeded",
  });
  const controller = new AbortController();
  const asked = Promise.withResolvers<void>();
  const slow = await startGitHttpServer(t, remote.path, () => {
    asked.resolve();
    return true;
  });
  const call = client.fetchRemote(
    { repository, remoteParams: { url: slow.url } },
    { signal: controller.signal },
  );
  await Promise.all([
    assert.rejects(call, { kind: "cancelled" }),
    asked.promise.then(() => controller.abort()),
  ]);
  while (leftovers().length > 0) await new Promise(setImmediate);
  assert.deepEqual(lastCommits(local), {});
});

test("fetchRemote leaves nothing of a server that dies in the middle of a pack", async (t) => {
  const { server, client, leftovers } = await setUp(t);
  const [local, remote] = [server.repository(), createTestRepository(t)];
  writeRefHistories(remote, { [MAIN]: "1" });
  let posts = 0;
  const { url } = await startGitHttpServer(t, remote.path, ({ method }, response) => {
    if (method !== "POST") return false;
    posts += 1;
    // The first one asks for the references.
    if (posts === 1) return false;
    response.writeHead(200, { "content-type": "application/x-git-upload-pack-result" });
    response.write("000dpackfile\n0015\x01PACK\0\0\0\x02\0\0\0\x09abcd", "latin1", () => {
      response.destroy();
    });
    return true;
  });
  const remoteParams = { url };
  await assert.rejects(client.fetchRemote({ repository: local.address, remoteParams }), {
    kind: "internal",
    message: /^fetch remote: ".*: exit status 128$/,
  });
  assert.deepEqual(lastCommits(local), {});
  assert.deepEqual(leftovers(), []);
  assert.equal(local.gitLines(["count-objects"])[0], "0 objects, 0 kilobytes");
});

test("fetchRemote speaks SSH with a key, to hosts that are known", async (t) => {
  const { server, client } = await setUp(t);
  const [local, remote] = [server.repository(), createTestRepository(t)];
  writeRefHistories(remote, { [MAIN]: "1" });
  const { port, clientKey: sshKey, knownHost: knownHosts } = await startGitSshServer(t);
  const remoteParams = { url: `ssh://git@127.0.0.1:${port}${remote.path}` };
  const request = { repository: local.address, remoteParams };
  const other = await startGitSshServer(t);
  const folder = privateTemporaryFolder(t);
  await client.fetchRemote({ ...request, sshKey, knownHosts });
  assert.deepEqual(lastCommits(local), { [MAIN]: "1" });
  const wrongHost = other.knownHost.replace(String(other.port), String(port));
  await assert.rejects(client.fetchRemote({ ...request, sshKey, knownHosts: wrongHost }), {
    kind: "internal",
    message: /Host key verification failed.*exit status 128$/,
  });
  const wrongKey = { ...request, sshKey: other.clientKey, knownHosts };
  await assert.rejects(client.fetchRemote(wrongKey), { message: /Permission denied/ });
  assert.deepEqual(readdirSync(folder), []);
});
