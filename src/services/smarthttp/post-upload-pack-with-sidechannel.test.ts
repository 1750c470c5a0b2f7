import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  type PostUploadPackWithSidechannelRequest,
  SmartHTTPService,
} from "../../proto/smarthttp_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import { bandsOf, DELIM, FLUSH, pktLines } from "../../testing/pkt-lines.ts";
import { eventually, gitProcesses } from "../../testing/processes.ts";
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

type Fields = Pick<PostUploadPackWithSidechannelRequest, "gitProtocol" | "gitConfigOptions">;

const CAPABILITIES = "multi_ack_detailed no-done side-band-64k thin-pack ofs-delta filter";
const V2 = { gitProtocol: "version=2" };

async function post(
  t: TestContext,
  server: TestServer,
  { address }: Pick<ServedRepository, "address">,
  input: Uint8Array,
  fields: Partial<Fields> = {},
): Promise<SidechannelResult<unknown> & { readonly statistics: object | undefined }> {
  const channel = dialSidechannels(t, server);
  const client = createClient(SmartHTTPService, channel);
  const request = { repository: address, ...fields };
  const result = await callWithInput(channel, input, (options) =>
    client.postUploadPackWithSidechannel(request, options),
  );
  const { $typeName, ...statistics } = result.reply?.packfileNegotiationStatistics ?? {};
  return { ...result, statistics: result.reply === undefined ? undefined : statistics };
}

/** The pack within an answer. */
function packOf(output: Buffer): Buffer {
  const lines = output.indexOf("PACK") - 5;
  assert.ok(lines >= 0, output.toString("latin1"));
  return bandsOf(output.subarray(lines)).data;
}

/** The ids of the objects in a pack, which must not be thin. */
function objectsOf(repository: ServedRepository, pack: Buffer): number {
  assert.equal(pack.toString("latin1", 0, 4), "PACK");
  repository.git(["unpack-objects", "-n", "-q"], { input: pack });
  return pack.readUInt32BE(8);
}

for (const format of ["sha1", "sha256"] as const) {
  test(`postUploadPackWithSidechannel serves a fetch of ${format}`, async (t) => {
    const server = await startTestServer(t);
    const repository = server.repository({ format });
    const old = writeCommit(repository, { content: "old\n" });
    const tip = writeCommit(repository, { parents: [old], ref: "refs/heads/main" });
    const lines = [`want ${tip} ${CAPABILITIES}`, `have ${old}`] as const;
    const input = pktLines(`${lines[0]}\n`, FLUSH, `${lines[1]}\n`, FLUSH);
    const { error, output, statistics } = await post(t, server, repository, input);
    assert.equal(error, undefined);
    assert.deepEqual(statistics, {
      payloadSize: BigInt(lines.join("").length),
      packets: 4n,
      caps: CAPABILITIES.split(" "),
      wants: 1n,
      haves: 1n,
      shallows: 0n,
      deepen: "",
      filter: "",
    });
    assert.equal(objectsOf(repository, packOf(output)), 3);
  });
}

test("postUploadPackWithSidechannel speaks protocol version 2", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: "refs/heads/main" });
  const input = pktLines("command=ls-refs\n", "object-format=sha1\n", DELIM, "peel\n", FLUSH);
  const { error, output } = await post(t, server, repository, input, V2);
  assert.equal(error, undefined);
  assert.match(output.toString(), new RegExp(`${commit} refs/heads/main\n0000$`));
});

test("postUploadPackWithSidechannel filters objects", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const tip = writeCommit(repository, { ref: "refs/heads/main" });
  const lines = [`want ${tip} ${CAPABILITIES}\n`, "filter blob:none\n", FLUSH, "done\n", FLUSH];
  const { output, statistics } = await post(t, server, repository, pktLines(...lines));
  assert.equal(objectsOf(repository, packOf(output)), 2);
  assert.ok(statistics !== undefined && "filter" in statistics);
  assert.equal(statistics.filter, "blob:none");
});

test("postUploadPackWithSidechannel gives out any commit, unless told otherwise", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: "refs/heads/main" });
  const hidden = writeCommit(repository, { content: "hidden\n", ref: "refs/hidden/one" });
  const input = pktLines(`want ${hidden} ${CAPABILITIES}\n`, FLUSH, "done\n", FLUSH);
  assert.equal((await post(t, server, repository, input)).error, undefined);

  const gitConfigOptions = [
    "uploadpack.hideRefs=refs/hidden",
    "uploadpack.allowAnySHA1InWant=false",
  ];
  const { error, output } = await post(t, server, repository, input, { gitConfigOptions });
  assert.deepEqual(errorOf(error), {
    kind: "failed-precondition",
    message: "running upload-pack: waiting for upload-pack: exit status 128",
  });
  assert.deepEqual(output, pktLines(`ERR upload-pack: not our ref ${hidden}`));
});

test("postUploadPackWithSidechannel takes a question for depth for an answer", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository);
  const want = `want ${commit} ${CAPABILITIES}\n`;
  const asked = await post(t, server, repository, pktLines(want, "deepen 1", FLUSH));
  assert.equal(asked.error, undefined);
  assert.deepEqual(asked.output, pktLines(`shallow ${commit}`, FLUSH));
  assert.ok(asked.statistics !== undefined && "deepen" in asked.statistics);
  assert.equal(asked.statistics.deepen, "deepen 1");

  // A client that has its answer may leave, which is a failure for git.
  const left = await post(t, server, repository, pktLines(want, "deepen 1"));
  assert.equal(left.error, undefined);
  // What is no negotiation has no depth either.
  const cut = Buffer.concat([pktLines(want, "deepen 1"), Buffer.from("00")]);
  const { error } = await post(t, server, repository, cut);
  assert.equal(errorOf(error).kind, "failed-precondition");
});

test("postUploadPackWithSidechannel offers no bundles", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const input = pktLines("command=bundle-uri\n", "object-format=sha1\n", FLUSH);
  const { error } = await post(t, server, repository, input, V2);
  const message = "running upload-pack: waiting for upload-pack: exit status 128";
  assert.deepEqual(errorOf(error), { kind: "failed-precondition", message });
});

test("postUploadPackWithSidechannel answers what it can't count as if nothing was said", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: "refs/heads/main" });
  // git puts up with capabilities at a second want, or rather with what follows an object id.
  const want = `want ${commit} ${CAPABILITIES}\n`;
  const { error, statistics } = await post(
    t,
    server,
    repository,
    pktLines(want, want, FLUSH, "done\n", FLUSH),
  );
  assert.equal(error, undefined);
  assert.ok(statistics !== undefined && "packets" in statistics && "caps" in statistics);
  assert.deepEqual([statistics.packets, statistics.caps], [0n, []]);
});

test("postUploadPackWithSidechannel refuses what it can't work with", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const none = server.repository();
  writeFileSync(join(none.path, "config"), "[extensions]\n\tobjectFormat = md5\n");
  for (const { of, options, kind, message } of [
    {
      of: repository,
      options: ["bad"],
      kind: "invalid-argument",
      message: 'cannot convert invalid config key: "bad"',
    },
    {
      of: repository,
      options: ["bad=1"],
      kind: "failed-precondition",
      message:
        'running upload-pack: spawning upload-pack: invalid configuration key "bad": ' +
        'key: key "bad" must contain at least one section',
    },
    {
      of: none,
      options: [],
      kind: "internal",
      message: 'running upload-pack: detecting object hash: unknown object format: "md5"',
    },
  ]) {
    const fields = { gitConfigOptions: options };
    const { error } = await post(t, server, of, Buffer.alloc(0), fields);
    assert.deepEqual(errorOf(error), { kind, message });
  }
});

test("postUploadPackWithSidechannel says what is wrong with the repository", async (t) => {
  const server = await startTestServer(t);
  const channel = dialSidechannels(t, server);
  const client = createClient(SmartHTTPService, channel);
  await assertRepositoryErrors(async (repository) => {
    const { error } = await callWithInput(channel, Buffer.alloc(0), (options) =>
      client.postUploadPackWithSidechannel({ ...(repository && { repository }) }, options),
    );
    throw error;
  });
  const { address } = server.repository();
  const plain = server.client(SmartHTTPService);
  await assert.rejects(plain.postUploadPackWithSidechannel({ repository: address }), {
    kind: "internal",
    message: "open sidechannel: sidechannel: sidechannel-id not found in incoming metadata",
  });
});

test("postUploadPackWithSidechannel leaves no git behind when it is cancelled", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const commit = writeNoise(repository, 24);
  const channel = dialSidechannels(t, server);
  const client = createClient(SmartHTTPService, channel);
  const cancellation = new AbortController();
  const call = channel.withSidechannel(
    async (stream) => {
      stream.end(pktLines(`want ${commit} ${CAPABILITIES}\n`, FLUSH, "done\n", FLUSH));
      for await (const _chunk of stream as AsyncIterable<Buffer>) cancellation.abort();
    },
    (options) => client.postUploadPackWithSidechannel({ repository: repository.address }, options),
    { signal: cancellation.signal },
  );
  await assert.rejects(call, { kind: "cancelled" });
  await eventually("git is gone", 60_000, () => gitProcesses(process.pid).length === 0);
});

function errorOf(error: unknown): { readonly kind: unknown; readonly message: string } {
  assert.ok(error instanceof Error);
  return { kind: "kind" in error ? error.kind : undefined, message: error.message };
}
