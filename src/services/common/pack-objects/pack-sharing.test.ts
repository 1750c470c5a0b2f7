import assert from "node:assert/strict";
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { GitCommand } from "../../../gitcmd/git-command.ts";
import { SmartHTTPService } from "../../../proto/smarthttp_pb.ts";
import { SSHService } from "../../../proto/ssh_pb.ts";
import { createClient } from "../../../rpc/client/client.ts";
import { RepositoryLocator } from "../../../storage/locator/repository-locator.ts";
import { createTestRepository, temporaryDirectory } from "../../../testing/git-repository.ts";
import { bandsOf, DELIM, FLUSH, pktLines } from "../../../testing/pkt-lines.ts";
import { testCall } from "../../../testing/server-call.ts";
import { callWithInput, dialSidechannels } from "../../../testing/sidechannel-call.ts";
import { writeCommit } from "../../../testing/test-commits.ts";
import { startTestGitRunner } from "../../../testing/test-git-runner.ts";
import { testPackObjects } from "../../../testing/test-pack-objects.ts";
import { startTestServer } from "../../../testing/test-server.ts";
import { PackSharing, repositoryAddress } from "./pack-sharing.ts";

const HOOK_PROGRAM = join(import.meta.dirname, "../../../bin/gitaly-hooks.ts");

/** A server that keeps packs, with a repository of two commits. */
async function setUp(t: TestContext, minOccurrences: number) {
  const dir = join(temporaryDirectory(t), "cache");
  const server = await startTestServer(t, {
    packObjectsCache: { enabled: true, backpressure: true, dir, maxAgeMs: 300_000, minOccurrences },
  });
  const repository = server.repository();
  const first = writeCommit(repository, {});
  const parents = [first];
  const commit = writeCommit(repository, { ref: "refs/heads/main", content: "2\n", parents });
  const fetch = (...extra: string[]): Buffer =>
    pktLines(
      ...["command=fetch", "object-format=sha1"].map((line) => `${line}\n`),
      DELIM,
      ...[`want ${commit}`, ...extra, "done"].map((line) => `${line}\n`),
      FLUSH,
    );
  const request = { repository: repository.address, gitProtocol: "version=2" };
  const channel = dialSidechannels(t, server);
  const overSsh = async (input: Uint8Array) => {
    const client = createClient(SSHService, channel);
    const { error, output } = await callWithInput(channel, input, (options) =>
      client.sSHUploadPackWithSidechannel(request, options),
    );
    assert.equal(error, undefined);
    return packOf(bandsOf(output).data);
  };
  const overHttp = async (input: Uint8Array) => {
    const client = createClient(SmartHTTPService, channel);
    const { error, output } = await callWithInput(channel, input, (options) =>
      client.postUploadPackWithSidechannel(request, options),
    );
    assert.equal(error, undefined);
    return packOf(output);
  };
  const keptCount = (): number => (existsSync(dir) ? countFiles(dir) : 0);
  return { fetch, overSsh, overHttp, keptCount, commit, server, repository, request, channel };
}

function countFiles(dir: string): number {
  const names = readdirSync(dir, { recursive: true, encoding: "utf8" });
  return names.filter((name) => statSync(join(dir, name)).isFile()).length;
}

/** What git says about the pack, and the pack. */
function packOf(output: Buffer) {
  const section = "packfile\n";
  const { data, progress } = bandsOf(output.subarray(output.indexOf(section) + section.length));
  return { pack: data.toString("latin1"), total: /Total \d+/.exec(progress)?.[0] };
}

test("fetches that want the same share a pack", async (t) => {
  const { fetch, overSsh, overHttp, keptCount, commit } = await setUp(t, 0);
  const { pack, total } = await overSsh(fetch());
  assert.equal(total, "Total 6");
  const target = createTestRepository(t);
  target.git(["index-pack", "--stdin"], { input: Buffer.from(pack, "latin1") });
  assert.equal(target.gitLine(["cat-file", "-t", commit]), "commit");
  assert.equal(keptCount(), 1);
  assert.deepEqual(await overSsh(fetch()), { pack, total });
  assert.equal(keptCount(), 1);
  const shallow = await overSsh(fetch("deepen 1"));
  assert.equal(shallow.total, "Total 3");
  assert.equal(keptCount(), 2);
  assert.equal((await overHttp(fetch())).total, "Total 6");
  assert.equal((await overHttp(fetch())).total, "Total 6");
  assert.equal(keptCount(), 3);
});

test("packs that are fetched once aren't kept", async (t) => {
  const { fetch, overHttp, keptCount } = await setUp(t, 1);
  await overHttp(fetch());
  assert.equal(keptCount(), 0);
  await overHttp(fetch());
  assert.equal(keptCount(), 1);
});

test("git that has no compiled hook calls the server", async (t) => {
  const { fetch, overSsh, keptCount, server, repository } = await setUp(t, 0);
  const [runtimeDirectory = ""] = readdirSync(join(server.storagePath, "../run"));
  const directory = join(server.storagePath, "../run", runtimeDirectory);
  const git = await startTestGitRunner(t);
  const sharing = new PackSharing({
    packObjects: testPackObjects(git),
    channelHookCommand: undefined,
    hookCommand: `'${process.execPath}' '${HOOK_PROGRAM}'`,
    runtimeDirectory: directory,
    internalSocketPath: join(directory, "sock.d/intern"),
    token: "",
  });
  const { address } = repository;
  const { storageName, relativePath } = address;
  const locator = new RepositoryLocator(new Map([[storageName, server.storagePath]]));
  const located = locator.locate({ storageName, relativePath });
  const shared = { repository: located, objectFormat: "sha1", protocol: "ssh" } as const;
  const call = testCall(SSHService.method.sSHUploadPackWithSidechannel, { signal: t.signal });
  const own = { ...shared, address: repositoryAddress(address) };
  const { config, env, serve } = sharing.settings(own, call);
  assert.equal(serve, undefined);
  const command: GitCommand = {
    name: "upload-pack",
    flags: ["--stateless-rpc"],
    args: [repository.path],
    config,
    env: { ...env, GIT_PROTOCOL: "version=2" },
  };
  const options = { signal: t.signal, stdin: fetch() };
  const { stdout } = await git.run(located, command, options);
  const made = packOf(stdout);
  assert.equal(made.total, "Total 6");
  assert.equal(keptCount(), 1);
  // It is one of those who fetch over SSH.
  assert.deepEqual(await overSsh(fetch()), made);
  assert.equal(keptCount(), 1);
});

test("a client is told that its pack can't be made", async (t) => {
  const { fetch, repository, request, channel, commit } = await setUp(t, 0);
  const tree = repository.gitLine(["rev-parse", `${commit}^{tree}`]);
  rmSync(join(repository.path, "objects", tree.slice(0, 2), tree.slice(2)));
  const client = createClient(SSHService, channel);
  const { error, output } = await callWithInput(channel, fetch(), (options) =>
    client.sSHUploadPackWithSidechannel(request, options),
  );
  assert.match(String(error), /git upload-pack: git-pack-objects died with error/);
  assert.match(bandsOf(output).data.toString("latin1"), /error executing git hook\n/);
});
