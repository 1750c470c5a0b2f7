import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type TestContext, test } from "node:test";
import { SSHService, type SSHUploadPackWithSidechannelRequest } from "../../proto/ssh_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import { bandsOf, DELIM, FLUSH, pktLines } from "../../testing/pkt-lines.ts";
import { eventually, findGitProcess, gitProcesses, writtenBytes } from "../../testing/processes.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import {
  callWithInput,
  dialSidechannels,
  type SidechannelResult,
} from "../../testing/sidechannel-call.ts";
import { writeCommit, writeNoise } from "../../testing/test-commits.ts";
import {
  type ServedRepository,
  startTestServer,
  type TestServer,
} from "../../testing/test-server.ts";

type Fields = Partial<SSHUploadPackWithSidechannelRequest>;

/** Makes one call with what the client says on its stdin. */
async function uploadPack(
  t: TestContext,
  server: TestServer,
  { address }: Pick<ServedRepository, "address">,
  input: Uint8Array,
  fields: Pick<Fields, "gitProtocol" | "gitConfigOptions"> = {},
): Promise<SidechannelResult<unknown> & { readonly statistics: object | undefined }> {
  const channel = dialSidechannels(t, server);
  const client = createClient(SSHService, channel);
  const request = { repository: address, ...fields };
  const result = await callWithInput(channel, input, (options) =>
    client.sSHUploadPackWithSidechannel(request, options),
  );
  const { $typeName, ...statistics } = result.reply?.packfileNegotiationStatistics ?? {};
  return { ...result, statistics: result.reply === undefined ? undefined : statistics };
}

/** What is said by default: nothing at all. */
const SILENCE = {
  payloadSize: 0n,
  packets: 0n,
  caps: [],
  wants: 0n,
  haves: 0n,
  shallows: 0n,
  deepen: "",
  filter: "",
};

for (const format of ["sha1", "sha256"] as const) {
  test(`sshUploadPackWithSidechannel serves a clone of ${format}`, async (t) => {
    const server = await startTestServer(t);
    const repository = server.repository({ format });
    const commit = writeCommit(repository, { ref: "refs/heads/main" });
    const want = `want ${commit} multi_ack`;

    const old = await uploadPack(t, server, repository, pktLines(`${want}\n`, FLUSH, "done\n"));
    assert.equal(old.error, undefined);
    const payloadSize = BigInt(want.length + "done".length);
    const counted = { ...SILENCE, payloadSize, packets: 2n, wants: 1n, caps: ["multi_ack"] };
    assert.deepEqual(old.statistics, counted);
    const { data, progress } = bandsOf(old.output);
    assert.match(data.toString("latin1"), new RegExp(`${commit} HEAD\0.*PACK`, "s"));
    assert.match(progress, /Counting objects/);

    const lines = ["command=fetch", "agent=git/2.36.1", `object-format=${format}`];
    const input = pktLines(
      ...lines.map((line) => `${line}\n`),
      DELIM,
      `want ${commit}\n`,
      "done\n",
      FLUSH,
    );
    const current = await uploadPack(t, server, repository, input, { gitProtocol: "version=2" });
    assert.equal(current.error, undefined);
    const size = [...lines, `want ${commit}`, "done"].join("").length;
    const v2 = { ...SILENCE, payloadSize: BigInt(size), packets: 5n, wants: 1n };
    assert.deepEqual(current.statistics, v2);
    assert.match(bandsOf(current.output).data.toString("latin1"), /version 2.*PACK/s);
  });
}

test("sshUploadPackWithSidechannel tells what git says of bad negotiations", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: "refs/heads/main" });
  const done = [FLUSH, "done\n"] as const;
  const missing = "1".repeat(40);
  const v2 = { gitProtocol: "version=2" };
  for (const { input, fields, said } of [
    {
      input: pktLines(`want ${commit} multi_ack\n`, ...done),
      fields: v2,
      said: `unknown capability 'want ${commit} multi_ack'`,
    },
    {
      input: pktLines("command=fetch\n", DELIM, `want ${commit}\n`, "done\n", FLUSH),
      fields: {},
      said: "git upload-pack: protocol error, expected to get object ID, not 'command=fetch'",
    },
    {
      input: pktLines(`want ${missing} multi_ack\n`, ...done),
      fields: {},
      said: `git upload-pack: not our ref ${missing}`,
    },
    { input: pktLines("foobar"), fields: v2, said: "unknown capability 'foobar'" },
    { input: pktLines('a"\xe9\n'), fields: v2, said: "unknown capability 'a\\\"\\xe9'" },
  ]) {
    const { error, output } = await uploadPack(t, server, repository, input, fields);
    const message = `running upload-pack: cmd wait: exit status 128, stderr: "fatal: ${said}\\n"`;
    assert.deepEqual(errorOf(error), { kind: "internal", message });
    assert.match(bandsOf(output).progress, /^fatal: /);
  }
});

test("sshUploadPackWithSidechannel takes a client that says no more for one that gave up", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const v2 = { gitProtocol: "version=2" };
  const nothing = await uploadPack(t, server, repository, Buffer.alloc(0), v2);
  assert.deepEqual([nothing.error, nothing.statistics], [undefined, SILENCE]);

  const half = Buffer.concat([pktLines("command=fetch\n"), Buffer.from("0011agent")]);
  const { error } = await uploadPack(t, server, repository, half, v2);
  assert.deepEqual(errorOf(error), {
    kind: "cancelled",
    message: "running upload-pack: user canceled the request",
  });
});

test("sshUploadPackWithSidechannel refuses what it can't work with", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const broken = server.repository();
  writeFileSync(join(broken.path, "config"), "Not a valid gitconfig");
  const formatless = server.repository();
  writeFileSync(join(formatless.path, "config"), "[extensions]\n\tobjectFormat = md5\n");
  const wait = "running upload-pack: cmd wait: exit status 128, stderr:";
  for (const { of, options, message } of [
    { of: repository, options: ["bad"], message: 'cannot convert invalid config key: "bad"' },
    {
      of: repository,
      options: ["bad=1"],
      message:
        'running upload-pack: starting command: invalid configuration key "bad": ' +
        'key: key "bad" must contain at least one section',
    },
    { of: broken, options: [], message: `${wait} "fatal: bad config line 1 in file ./config\\n"` },
    {
      of: formatless,
      options: [],
      message: 'detecting object hash: unknown object format: "md5"',
    },
  ]) {
    const fields = { gitConfigOptions: options };
    const { error } = await uploadPack(t, server, of, Buffer.alloc(0), fields);
    assert.deepEqual(errorOf(error), { kind: "internal", message });
  }
});

test("sshUploadPackWithSidechannel says what is wrong with the repository", async (t) => {
  const server = await startTestServer(t);
  const channel = dialSidechannels(t, server);
  const client = createClient(SSHService, channel);
  await assertRepositoryErrors(async (repository) => {
    const { error } = await callWithInput(channel, Buffer.alloc(0), (options) =>
      client.sSHUploadPackWithSidechannel({ ...(repository && { repository }) }, options),
    );
    throw error;
  });
});

test("sshUploadPackWithSidechannel needs a sidechannel", async (t) => {
  const server = await startTestServer(t);
  const { address } = server.repository();
  const call = server.client(SSHService).sSHUploadPackWithSidechannel({ repository: address });
  await assert.rejects(call, {
    kind: "internal",
    message: "opennig sidechannel: sidechannel: sidechannel-id not found in incoming metadata",
  });
});

test("sshUploadPackWithSidechannel passes settings on to git", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: "refs/heads/main" });
  repository.git(["update-ref", "refs/tags/v1", "refs/heads/main"]);
  const gitConfigOptions = ["transfer.hideRefs=refs/tags"];
  const input = pktLines(FLUSH);
  const shown = await uploadPack(t, server, repository, input);
  const hidden = await uploadPack(t, server, repository, input, { gitConfigOptions });
  assert.match(bandsOf(shown.output).data.toString("latin1"), /refs\/tags\/v1/);
  assert.doesNotMatch(bandsOf(hidden.output).data.toString("latin1"), /refs\/tags\/v1/);
  assert.match(bandsOf(hidden.output).data.toString("latin1"), /refs\/heads\/main/);
});

test("sshUploadPackWithSidechannel doesn't wait for ever for the negotiation", async (t) => {
  const timeout = { uploadPackNegotiationMs: 200, uploadArchiveNegotiationMs: 60_000 };
  const server = await startTestServer(t, { timeout });
  const repository = server.repository();
  writeCommit(repository, { ref: "refs/heads/main" });
  const channel = dialSidechannels(t, server);
  const client = createClient(SSHService, channel);
  const call = channel.withSidechannel(
    async (stream) => {
      for await (const _chunk of stream as AsyncIterable<Buffer>);
    },
    (options) => client.sSHUploadPackWithSidechannel({ repository: repository.address }, options),
  );
  await assert.rejects(call, {
    kind: "deadline-exceeded",
    message: "running upload-pack: waiting for negotiation: context canceled",
  });
  await eventually("git is gone", 60_000, () => uploadPacks(repository).length === 0);
});

test("sshUploadPackWithSidechannel is held back by a client that reads slowly", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const commit = writeNoise(repository, 64);
  const channel = dialSidechannels(t, server);
  const client = createClient(SSHService, channel);
  let received = 0;
  await channel.withSidechannel(
    async (stream) => {
      stream.end(pktLines(`want ${commit}\n`, FLUSH, "done\n"));
      for await (const chunk of stream as Readable & AsyncIterable<Buffer>) {
        received += chunk.length;
        if (received > chunk.length) continue;
        const git = findGitProcess(process.pid, `upload-pack --end-of-options`) ?? 0;
        assert.ok(git > 0);
        let written = -1;
        await eventually("git is held back", 30_000, () => {
          const before = written;
          written = writtenBytes(git);
          return written === before && written > 1024 * 1024;
        });
        assert.ok(written < 40 * 1024 * 1024, `git has written ${written} bytes`);
      }
    },
    (options) => client.sSHUploadPackWithSidechannel({ repository: repository.address }, options),
  );
  assert.ok(received > 64 * 1024 * 1024);
});

test("sshUploadPackWithSidechannel leaves no git behind when it is cancelled", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const commit = writeNoise(repository, 32);
  const channel = dialSidechannels(t, server);
  const client = createClient(SSHService, channel);
  const cancellation = new AbortController();
  const call = channel.withSidechannel(
    async (stream) => {
      stream.end(pktLines(`want ${commit}\n`, FLUSH, "done\n"));
      for await (const _chunk of stream as AsyncIterable<Buffer>) cancellation.abort();
    },
    (options) => client.sSHUploadPackWithSidechannel({ repository: repository.address }, options),
    { signal: cancellation.signal },
  );
  await assert.rejects(call, { kind: "cancelled" });
  await eventually("git is gone", 60_000, () => uploadPacks(repository).length === 0);
});

function uploadPacks({ path }: ServedRepository): string[] {
  return gitProcesses(process.pid).filter((line) => line.includes(path));
}

function errorOf(error: unknown): { readonly kind: unknown; readonly message: string } {
  assert.ok(error instanceof Error);
  return { kind: "kind" in error ? error.kind : undefined, message: error.message };
}
