import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { requireBasicAuth, startGitHttpServer } from "../../testing/git-http-server.ts";
import { createTestRepository, type TestRepository } from "../../testing/git-repository.ts";
import { startGitSshServer } from "../../testing/git-ssh-server.ts";
import { startTestServer } from "../../testing/test-server.ts";
import { gitSettings } from "../../testing/test-settings.ts";
import { beginTransaction, votesOn } from "../../testing/transaction-client.ts";

/** References and the content of the only file of their commits; `a>b` is b on top of a. */
type Refs = Readonly<Record<string, string>>;

interface Case {
  readonly remote: Refs;
  readonly local?: Refs;
  readonly request?: { readonly force?: boolean; noPrune?: boolean; noTags?: boolean };
  readonly mirrorRefmaps?: readonly string[];
  readonly expected: Refs;
  readonly repoChanged: boolean;
  readonly tagsChanged?: boolean;
  readonly message?: string;
}

const MAIN = "refs/heads/main";

const CASES: Readonly<Record<string, Case>> = {
  "a branch": { remote: { [MAIN]: "1" }, expected: { [MAIN]: "1" }, repoChanged: true },
  "a branch and a tag": {
    remote: { [MAIN]: "1", "refs/tags/t": "1" },
    expected: { [MAIN]: "1", "refs/tags/t": "1" },
    ...{ repoChanged: true, tagsChanged: true },
  },
  "nothing new": {
    remote: { [MAIN]: "1", "refs/tags/t": "1" },
    local: { [MAIN]: "1", "refs/tags/t": "1" },
    expected: { [MAIN]: "1", "refs/tags/t": "1" },
    repoChanged: false,
  },
  "a directory's place taken by a branch": {
    remote: { "refs/heads/b": "1" },
    local: { "refs/heads/b/c": "2" },
    expected: { "refs/heads/b": "1" },
    repoChanged: true,
  },
  "a branch's place taken by a directory": {
    remote: { "refs/heads/b/c": "1" },
    local: { "refs/heads/b": "2" },
    expected: { "refs/heads/b/c": "1" },
    repoChanged: true,
  },
  "no room for a branch": {
    remote: { "refs/heads/b": "1" },
    local: { "refs/heads/b/c": "2" },
    request: { noPrune: true },
    expected: { "refs/heads/b/c": "2" },
    repoChanged: false,
    message: "preparing reference update: file directory conflict",
  },
  "no room for a directory": {
    remote: { "refs/heads/b/c": "1" },
    local: { "refs/heads/b": "2" },
    request: { noPrune: true },
    expected: { "refs/heads/b": "2" },
    repoChanged: false,
    message: "preparing reference update: file directory conflict",
  },
  "a branch that is gone": {
    remote: { [MAIN]: "1" },
    local: { [MAIN]: "1", "refs/heads/gone": "2" },
    expected: { [MAIN]: "1" },
    repoChanged: false,
  },
  "a branch that is gone, without pruning": {
    remote: { [MAIN]: "1" },
    local: { "refs/heads/gone": "2" },
    request: { noPrune: true },
    expected: { [MAIN]: "1", "refs/heads/gone": "2" },
    repoChanged: true,
  },
  "a wildcard to another place": {
    remote: { [MAIN]: "1" },
    local: { "refs/heads/mine": "2" },
    mirrorRefmaps: ["refs/heads/*:refs/remotes/r/*"],
    expected: { "refs/heads/mine": "2", "refs/remotes/r/main": "1" },
    repoChanged: true,
  },
  "heads and tags": {
    remote: { [MAIN]: "1", "refs/tags/t": "2", "refs/other/x": "3" },
    mirrorRefmaps: ["heads", "tags"],
    expected: { [MAIN]: "1", "refs/tags/t": "2" },
    ...{ repoChanged: true, tagsChanged: true },
  },
  "what diverged": {
    remote: { [MAIN]: "1" },
    local: { [MAIN]: "2" },
    expected: { [MAIN]: "2" },
    repoChanged: false,
  },
  "what diverged, by force": {
    remote: { [MAIN]: "1" },
    local: { [MAIN]: "2" },
    request: { force: true },
    expected: { [MAIN]: "1" },
    repoChanged: true,
  },
  "a fast-forward beside what diverged": {
    remote: { [MAIN]: "1", "refs/heads/b": "1>2" },
    local: { [MAIN]: "2", "refs/heads/b": "1" },
    mirrorRefmaps: ["all_refs"],
    expected: { [MAIN]: "2", "refs/heads/b": "2" },
    repoChanged: true,
  },
  "a tag that diverged": {
    remote: { [MAIN]: "1", "refs/tags/v": "1" },
    local: { [MAIN]: "2", "refs/tags/v": "2" },
    mirrorRefmaps: [`+${MAIN}:${MAIN}`],
    expected: { [MAIN]: "1", "refs/tags/v": "2" },
    repoChanged: true,
  },
  "a tag that diverged, by force": {
    remote: { [MAIN]: "1", "refs/tags/v": "1" },
    local: { [MAIN]: "2", "refs/tags/v": "2" },
    mirrorRefmaps: [`${MAIN}:${MAIN}`],
    request: { force: true },
    expected: { [MAIN]: "1", "refs/tags/v": "1" },
    ...{ repoChanged: true, tagsChanged: true },
  },
  "no tags": {
    remote: { [MAIN]: "1", "refs/tags/v": "1" },
    mirrorRefmaps: [`+${MAIN}:${MAIN}`],
    request: { noTags: true },
    expected: { [MAIN]: "1" },
    repoChanged: true,
  },
};

function fill(repository: TestRepository, refs: Refs = {}): void {
  for (const [ref, history] of Object.entries(refs)) {
    let parents: string[] = [];
    for (const name of history.split(">")) {
      parents = [commitFiles(repository, { file: name }, parents, name)];
    }
    repository.git(["update-ref", ref, parents[0] ?? ""]);
  }
}

function heads({ gitLines }: TestRepository): Refs {
  const lines = gitLines(["for-each-ref", "--format=%(refname) %(contents:subject)"]);
  return Object.fromEntries(lines.map((line) => line.split(" ", 2)));
}

async function setUp(t: TestContext) {
  const server = await startTestServer(t);
  const leftovers = (): string[] => readdirSync(join(server.storagePath, "+gitaly/tmp"));
  return { server, client: server.client(RepositoryService), leftovers };
}

test("fetchRemote changes what the remote has changed", async (t) => {
  const { server, client, leftovers } = await setUp(t);
  for (const [name, state] of Object.entries(CASES)) {
    await t.test(name, async () => {
      const [local, remote] = [server.repository(), server.repository()];
      fill(local, state.local);
      fill(remote, state.remote);
      const mirrorRefmaps = [...(state.mirrorRefmaps ?? [])];
      const remoteParams = { url: remote.path, mirrorRefmaps };
      const request = { repository: local.address, remoteParams, ...state.request };
      const fetched = client.fetchRemote({ ...request, checkTagsChanged: true });
      if (state.message !== undefined) {
        await assert.rejects(fetched, { kind: "internal", message: state.message });
      } else {
        const { repoChanged, tagsChanged } = await fetched;
        assert.deepEqual(
          { repoChanged, tagsChanged },
          { repoChanged: state.repoChanged, tagsChanged: state.tagsChanged === true },
        );
        const again = await client.fetchRemote(request);
        assert.deepEqual([again.repoChanged, again.tagsChanged], [false, true]);
      }
      assert.deepEqual(heads(local), state.expected);
      assert.equal(local.git(["fsck", "--strict", "--no-dangling"]).length, 0);
      assert.deepEqual(leftovers(), []);
    });
  }
});

test("fetchRemote tells of a tag that has moved", async (t) => {
  const { server, client } = await setUp(t);
  const [local, remote] = [server.repository(), server.repository()];
  fill(remote, { [MAIN]: "1", "refs/tags/v": "1" });
  fill(local, { [MAIN]: "1", "refs/tags/v": "1" });
  remote.git(["tag", "-f", "-a", "-m", "annotated", "v", "main"]);
  const remoteParams = { url: remote.path, mirrorRefmaps: ["tags"] };
  const request = { repository: local.address, remoteParams, force: true, checkTagsChanged: true };
  const { tagsChanged, repoChanged } = await client.fetchRemote(request);
  assert.deepEqual([tagsChanged, repoChanged], [true, true]);
  assert.equal(local.gitLine(["cat-file", "-t", "v"]), "tag");
});

test("fetchRemote fetches 5,000 references of a SHA-256 repository", async (t) => {
  const { server, client } = await setUp(t);
  const local = server.repository({ format: "sha256" });
  const remote = createTestRepository(t, { format: "sha256" });
  const oid = commitFiles(remote, { a: "a" });
  const names = Array.from({ length: 5000 }, (_, i) => `refs/heads/b-${i}`);
  const commands = names.map((name) => `create ${name} ${oid}\n`);
  remote.git(["update-ref", "--stdin"], { input: commands.join("") });
  const { url } = await startGitHttpServer(t, remote.path);
  await client.fetchRemote({ repository: local.address, remoteParams: { url } });
  assert.deepEqual(local.gitLines(["for-each-ref", "--format=%(refname)"]), names.sort());
});

test("fetchRemote shows the remote its caller's authorization, and nobody else", async (t) => {
  const { server, client } = await setUp(t);
  const [local, remote] = [server.repository(), createTestRepository(t)];
  fill(remote, { [MAIN]: "1" });
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
  assert.deepEqual(heads(local), { [MAIN]: "1" });
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
  fill(remote, { [MAIN]: "1" });
  const { url: realUrl } = await startGitHttpServer(t, remote.path);
  const url = realUrl.replace("127.0.0.1", "nowhere.example.com");
  const repository = local.address;
  await client.fetchRemote({ repository, remoteParams: { url, resolvedAddress: "127.0.0.1" } });
  assert.deepEqual(heads(local), { [MAIN]: "1" });
  const remoteParams = { url, resolvedAddress: "localhost" };
  await assert.rejects(client.fetchRemote({ repository, remoteParams }), {
    kind: "internal",
    message: "couldn't get curloptResolve config: resolved address has invalid IPv4/IPv6 address",
  });
});

test("fetchRemote sends what is in the URL at once when it is told to", async (t) => {
  const { server, client } = await setUp(t);
  const [local, remote] = [server.repository(), createTestRepository(t)];
  fill(remote, { [MAIN]: "1" });
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
  fill(remote, { [MAIN]: "1" });
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
  assert.deepEqual(heads(local), {});
});

test("fetchRemote leaves nothing of a server that dies in the middle of a pack", async (t) => {
  const { server, client, leftovers } = await setUp(t);
  const [local, remote] = [server.repository(), createTestRepository(t)];
  fill(remote, { [MAIN]: "1" });
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
  assert.deepEqual(heads(local), {});
  assert.deepEqual(leftovers(), []);
  assert.equal(local.gitLines(["count-objects"])[0], "0 objects, 0 kilobytes");
});

test("fetchRemote speaks SSH with a key, to hosts that are known", async (t) => {
  const { server, client } = await setUp(t);
  const [local, remote] = [server.repository(), createTestRepository(t)];
  fill(remote, { [MAIN]: "1" });
  const { port, clientKey: sshKey, knownHost: knownHosts } = await startGitSshServer(t);
  const remoteParams = { url: `ssh://git@127.0.0.1:${port}${remote.path}` };
  const request = { repository: local.address, remoteParams };
  const keys = (): string[] =>
    readdirSync(tmpdir()).filter((name) => name.startsWith("gitaly-ssh"));
  const before = keys();
  await client.fetchRemote({ ...request, sshKey, knownHosts });
  assert.deepEqual(heads(local), { [MAIN]: "1" });
  const other = await startGitSshServer(t);
  const wrongHost = other.knownHost.replace(String(other.port), String(port));
  await assert.rejects(client.fetchRemote({ ...request, sshKey, knownHosts: wrongHost }), {
    kind: "internal",
    message: /Host key verification failed.*exit status 128$/,
  });
  const wrongKey = { ...request, sshKey: other.clientKey, knownHosts };
  await assert.rejects(client.fetchRemote(wrongKey), { message: /Permission denied/ });
  assert.deepEqual(keys(), before);
});

test("fetchRemote reaches no files when the operator doesn't want it", async (t) => {
  const config = [{ key: "protocol.file.allow", value: "never" }];
  const server = await startTestServer(t, { git: gitSettings({ config }) });
  const [local, remote] = [server.repository(), server.repository()];
  const client = server.client(RepositoryService);
  const repository = local.address;
  for (const url of [remote.path, `file://${remote.path}`]) {
    await assert.rejects(client.fetchRemote({ repository, remoteParams: { url } }), {
      kind: "internal",
      message: `fetch remote: "fatal: transport 'file' not allowed\\n": exit status 128`,
    });
  }
  await assert.rejects(client.fetchRemote({ repository, remoteParams: { url: "ext::true" } }), {
    message: `fetch remote: "fatal: transport 'ext' not allowed\\n": exit status 128`,
  });
});

test("fetchRemote says what is wrong", async (t) => {
  const { server, client } = await setUp(t);
  const { address: repository } = server.repository();
  const refuses = async (
    request: Parameters<typeof client.fetchRemote>[0],
    kind: string,
    message: string,
  ): Promise<void> => assert.rejects(client.fetchRemote(request), { kind, message });
  const remoteParams = { url: "/dev/null" };
  await refuses({ remoteParams }, "invalid-argument", "repository not set");
  await refuses({ repository }, "invalid-argument", "missing remote params");
  await refuses({ repository, remoteParams: {} }, "invalid-argument", "blank or empty remote URL");
  await refuses(
    { repository, remoteParams },
    "internal",
    `fetch remote: "fatal: '/dev/null' does not appear to be a git repository\\nfatal: Could not read from remote repository.\\n\\nPlease make sure you have the correct access rights\\nand the repository exists.\\n": exit status 128`,
  );
  await refuses(
    { repository: { ...repository, storageName: "foobar" }, remoteParams },
    "invalid-argument",
    "storage name not found",
  );
});

test("fetchRemote has servers of a transaction vote on what it changes", async (t) => {
  const { server } = await setUp(t);
  const [local, remote] = [server.repository(), server.repository()];
  fill(remote, { [MAIN]: "1" });
  fill(local, { "refs/heads/gone": "2" });
  const oid = remote.gitLine(["rev-parse", MAIN]);
  const zero = "0".repeat(40);
  const { channel, metadata, votes } = beginTransaction(t, server);
  const client = createClient(RepositoryService, channel);
  const request = { repository: local.address, remoteParams: { url: remote.path } };
  await client.fetchRemote(request, { metadata });
  assert.deepEqual(heads(local), { [MAIN]: "1" });
  // That something goes whatever it is, nobody votes on.
  assert.deepEqual(votes, votesOn(`${zero} ${oid} ${MAIN}\n`));
  fill(remote, { [MAIN]: "3" });
  const refusing = beginTransaction(t, server, "prepared");
  const other = createClient(RepositoryService, refusing.channel);
  const forced = { ...request, force: true };
  await assert.rejects(other.fetchRemote(forced, { metadata: refusing.metadata }), {
    message: /^preparing reference update: /,
  });
  assert.deepEqual(heads(local), { [MAIN]: "1" });
  assert.deepEqual(readdirSync(join(server.storagePath, "+gitaly/tmp")), []);
});
