import assert from "node:assert/strict";
import { test } from "node:test";
import { SSHService } from "../../proto/ssh_pb.ts";
import { bandsOf, FLUSH, pktLines } from "../../testing/pkt-lines.ts";
import { eventually, gitProcesses } from "../../testing/processes.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { writeCommit, writeNoise } from "../../testing/test-commits.ts";
import {
  type ServedRepository,
  startTestServer,
  type TestServer,
} from "../../testing/test-server.ts";

interface Archived {
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly exitStatuses: readonly number[];
  readonly error: unknown;
}

/** Says `input` to upload-archive and listens to the end. */
async function uploadArchive(
  server: TestServer,
  { address }: Pick<ServedRepository, "address">,
  input: Uint8Array,
): Promise<Archived> {
  const stdout: Uint8Array[] = [];
  let stderr = "";
  const exitStatuses: number[] = [];
  let failure: unknown;
  const requests = [{ repository: address }, { stdin: input }];
  try {
    for await (const reply of server.client(SSHService).sSHUploadArchive(requests)) {
      stdout.push(reply.stdout);
      stderr += Buffer.from(reply.stderr).toString();
      if (reply.exitStatus !== undefined) exitStatuses.push(reply.exitStatus.value);
    }
  } catch (error) {
    failure = error;
  }
  return { stdout: Buffer.concat(stdout), stderr, exitStatuses, error: failure };
}

for (const format of ["sha1", "sha256"] as const) {
  test(`sshUploadArchive gives what git archive gives, ${format}`, async (t) => {
    const server = await startTestServer(t);
    const repository = server.repository({ format });
    writeCommit(repository, { ref: "refs/heads/main" });
    const input = pktLines("argument --format=tar\n", "argument main\n", FLUSH);
    const { stdout, exitStatuses, error } = await uploadArchive(server, repository, input);
    assert.equal(error, undefined);
    assert.deepEqual(exitStatuses, [0]);
    const start = pktLines("ACK\n", FLUSH);
    assert.deepEqual(stdout.subarray(0, start.length), start);
    const { data } = bandsOf(stdout.subarray(start.length));
    assert.deepEqual(data, repository.git(["archive", "--format=tar", "main"]));
  });
}

test("sshUploadArchive passes on that git fails", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: "refs/heads/main" });
  const { error, exitStatuses, stderr } = await uploadArchive(
    server,
    repository,
    pktLines("garbage"),
  );
  assert.deepEqual(exitStatuses, [128]);
  assert.match(stderr, /^fatal: sent error to the client/);
  const message = `send: cmd wait: exit status 128, stderr: ${JSON.stringify(stderr)}`;
  assert.ok(error instanceof Error && "kind" in error);
  assert.deepEqual([error.kind, error.message], ["internal", message]);
});

test("sshUploadArchive refuses first messages that are not enough, or too much", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(SSHService);
  const { address } = server.repository();
  const stdin = Buffer.from("x");
  await assert.rejects(client.sSHUploadArchive([{ repository: address, stdin }]).next(), {
    kind: "invalid-argument",
    message: "non-empty stdin in first request",
  });
  await assertRepositoryErrors((repository) =>
    client.sSHUploadArchive([{ ...(repository && { repository }), stdin }]),
  );
  await assert.rejects(client.sSHUploadArchive([]).next(), { kind: "internal", message: "EOF" });
});

test("sshUploadArchive doesn't wait for ever for the client's wishes", async (t) => {
  const timeout = { uploadPackNegotiationMs: 60_000, uploadArchiveNegotiationMs: 200 };
  const server = await startTestServer(t, { timeout });
  const { address } = server.repository();
  const { promise: never, resolve } = Promise.withResolvers<void>();
  t.after(() => resolve());
  const requests = async function* () {
    yield { repository: address };
    await never;
  };
  await assert.rejects(collect(server.client(SSHService).sSHUploadArchive(requests())), {
    kind: "deadline-exceeded",
    message: "running upload-archive: waiting for negotiation: context canceled",
  });
});

test("sshUploadArchive leaves no git behind when it is cancelled", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  writeNoise(repository, 16);
  const cancellation = new AbortController();
  const requests = [
    { repository: repository.address },
    { stdin: pktLines("argument --format=tar\n", "argument main\n", FLUSH) },
  ];
  const { signal } = cancellation;
  const replies = server.client(SSHService).sSHUploadArchive(requests, { signal });
  await assert.rejects(
    async () => {
      for await (const { stdout } of replies) if (stdout.length > 1000) cancellation.abort();
    },
    { kind: "cancelled" },
  );
  await eventually("git is gone", 60_000, () => gitProcesses(process.pid).length === 0);
});
