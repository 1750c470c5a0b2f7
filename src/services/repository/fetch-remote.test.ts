import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { startGitHttpServer } from "../../testing/git-http-server.ts";
import { createTestRepository } from "../../testing/git-repository.ts";
import { lastCommits, type RefHistories, writeRefHistories } from "../../testing/ref-histories.ts";
import { startTestServer } from "../../testing/test-server.ts";
import { gitSettings } from "../../testing/test-settings.ts";
import { beginTransaction, votesOn } from "../../testing/transaction-client.ts";

interface Case {
  readonly remote: RefHistories;
  readonly local?: RefHistories;
  readonly request?: { readonly force?: boolean; noPrune?: boolean; noTags?: boolean };
  readonly mirrorRefmaps?: readonly string[];
  readonly expected: RefHistories;
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
      writeRefHistories(local, state.local);
      writeRefHistories(remote, state.remote);
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
      assert.deepEqual(lastCommits(local), state.expected);
      assert.equal(local.git(["fsck", "--strict", "--no-dangling"]).length, 0);
      assert.deepEqual(leftovers(), []);
    });
  }
});

test("fetchRemote tells of a tag that has moved", async (t) => {
  const { server, client } = await setUp(t);
  const [local, remote] = [server.repository(), server.repository()];
  writeRefHistories(remote, { [MAIN]: "1", "refs/tags/v": "1" });
  writeRefHistories(local, { [MAIN]: "1", "refs/tags/v": "1" });
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
  writeRefHistories(remote, { [MAIN]: "1" });
  writeRefHistories(local, { "refs/heads/gone": "2" });
  const oid = remote.gitLine(["rev-parse", MAIN]);
  const zero = "0".repeat(40);
  const { channel, metadata, votes } = beginTransaction(t, server);
  const client = createClient(RepositoryService, channel);
  const request = { repository: local.address, remoteParams: { url: remote.path } };
  await client.fetchRemote(request, { metadata });
  assert.deepEqual(lastCommits(local), { [MAIN]: "1" });
  // That something goes whatever it is, nobody votes on.
  assert.deepEqual(votes, votesOn(`${zero} ${oid} ${MAIN}\n`).slice(1));
  writeRefHistories(remote, { [MAIN]: "3" });
  const refusing = beginTransaction(t, server, "prepared");
  const other = createClient(RepositoryService, refusing.channel);
  const forced = { ...request, force: true };
  await assert.rejects(other.fetchRemote(forced, { metadata: refusing.metadata }), {
    message: /^preparing reference update: /,
  });
  assert.deepEqual(lastCommits(local), { [MAIN]: "1" });
  assert.deepEqual(readdirSync(join(server.storagePath, "+gitaly/tmp")), []);
});
