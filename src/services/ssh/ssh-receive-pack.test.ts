import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type SSHReceivePackRequest, SSHService } from "../../proto/ssh_pb.ts";
import { writeCustomHook } from "../../testing/custom-hook.ts";
import { afterFlush, bandsOf, FLUSH, pktLines } from "../../testing/pkt-lines.ts";
import { eventually, gitProcesses } from "../../testing/processes.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { cloneForPush, pushBytes, writeCommit, writeNoise } from "../../testing/test-commits.ts";
import {
  type ServedRepository,
  startTestServer,
  type TestServer,
} from "../../testing/test-server.ts";

interface Pushed {
  /** The advertisement and what follows it. */
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly exitStatuses: readonly number[];
  readonly error: { readonly kind: unknown; readonly message: string } | undefined;
}

type Fields = Partial<Pick<SSHReceivePackRequest, "gitConfigOptions" | "gitProtocol">>;

/** Says `input` to receive-pack and listens to the end. */
async function receivePack(
  server: TestServer,
  { address }: Pick<ServedRepository, "address">,
  input: Uint8Array,
  fields: Fields = {},
): Promise<Pushed> {
  const stdout: Uint8Array[] = [];
  let stderr = "";
  const exitStatuses: number[] = [];
  let failure: Pushed["error"];
  const repository = { ...address, glRepository: "project-1" };
  const requests = [{ repository, glId: "user-1", ...fields }, { stdin: input }];
  try {
    for await (const reply of server.client(SSHService).sSHReceivePack(requests)) {
      stdout.push(reply.stdout);
      stderr += Buffer.from(reply.stderr).toString();
      if (reply.exitStatus !== undefined) exitStatuses.push(reply.exitStatus.value);
    }
  } catch (error) {
    assert.ok(error instanceof Error && "kind" in error);
    failure = { kind: error.kind, message: error.message };
  }
  return { stdout: Buffer.concat(stdout), stderr, exitStatuses, error: failure };
}

/** The report and the messages that follow the advertisement of refs. */
function answerOf({ stdout }: Pushed): { readonly report: string; readonly progress: string } {
  const { data, progress } = bandsOf(afterFlush(stdout));
  return { report: data.toString(), progress };
}

const MAIN = "refs/heads/main";

for (const format of ["sha1", "sha256"] as const) {
  test(`sshReceivePack takes a push of ${format}`, async (t) => {
    const server = await startTestServer(t);
    const served = server.repository({ format });
    const from = writeCommit(served, { ref: MAIN });
    const source = cloneForPush(t, served);
    const to = writeCommit(source, { content: "pushed\n", parents: [from] });
    const pushed = await receivePack(server, served, pushBytes(source, [{ ref: MAIN, from, to }]));
    assert.equal(pushed.error, undefined);
    assert.deepEqual(pushed.exitStatuses, []);
    assert.match(pushed.stdout.toString(), new RegExp(`${from} ${MAIN}\0`));
    const report = pktLines("unpack ok\n", `ok ${MAIN}\n`, FLUSH).toString();
    assert.equal(answerOf(pushed).report, report);
    assert.equal(served.gitLine(["rev-parse", MAIN]), to);
    served.git(["fsck", "--strict"]);
  });
}

test("sshReceivePack ends as the client's words make git end", async (t) => {
  const server = await startTestServer(t);
  const zero = "0".repeat(40);
  for (const { input, error, exitStatuses, stderr } of [
    { input: pktLines(FLUSH), error: undefined, exitStatuses: [], stderr: "" },
    {
      input: pktLines("garbage"),
      error: { kind: "internal", message: "cmd wait: exit status 128" },
      exitStatuses: [128],
      stderr: "fatal: protocol error: expected old/new/ref, got 'garbage'\n",
    },
    {
      input: pktLines(`${zero} ${zero} refs/heads/main`),
      error: { kind: "cancelled", message: "user canceled the push" },
      exitStatuses: [128],
      stderr: "fatal: the remote end hung up unexpectedly\n",
    },
  ]) {
    const { stdout, ...told } = await receivePack(server, server.repository(), input);
    assert.deepEqual(told, { error, exitStatuses, stderr });
    assert.match(stdout.toString(), /capabilities\^\{\}/);
  }
});

test("sshReceivePack refuses first messages that say too little or too much", async (t) => {
  const server = await startTestServer(t);
  const { address } = server.repository();
  const client = server.client(SSHService);
  const stdin = Buffer.from("x");
  for (const [request, message] of [
    [{ repository: address }, "empty GlId"],
    [{ repository: address, glId: "1", stdin }, "non-empty data in first request"],
    [{ stdin }, "empty GlId"],
  ] as const) {
    const call = client.sSHReceivePack([request]).next();
    await assert.rejects(call, { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((repository) =>
    client.sSHReceivePack([{ ...(repository && { repository }), glId: "user-1" }]),
  );
  await assert.rejects(client.sSHReceivePack([]).next(), { kind: "internal", message: "EOF" });
});

test("sshReceivePack refuses settings and repositories that git can't work with", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const input = pktLines(FLUSH);
  const bad = await receivePack(server, repository, input, { gitConfigOptions: ["bad"] });
  const message = 'cannot convert invalid config key: "bad"';
  assert.deepEqual(bad.error, { kind: "internal", message });
  const worse = await receivePack(server, repository, input, { gitConfigOptions: ["bad="] });
  assert.match(worse.error?.message ?? "", /^start cmd: invalid configuration key "bad": key: /);

  writeFileSync(join(repository.path, "config"), "x x x foobar");
  const broken = await receivePack(server, repository, input);
  assert.deepEqual(broken.error, { kind: "internal", message: "cmd wait: exit status 128" });
  assert.deepEqual(broken.exitStatuses, [128]);
  assert.equal(broken.stderr, "fatal: bad config line 1 in file ./config\n");

  writeFileSync(join(repository.path, "config"), "[extensions]\nobjectFormat = md5");
  const unknown = await receivePack(server, repository, input);
  assert.deepEqual(unknown.error, {
    kind: "internal",
    message: 'detecting object hash: unknown object format: "md5"',
  });
});

test("sshReceivePack shows what hooks print, and minds those that refuse", async (t) => {
  const server = await startTestServer(t);
  const served = server.repository();
  const source = cloneForPush(t, served);
  const to = writeCommit(source);
  const body = pushBytes(source, [{ ref: MAIN, to }]);
  writeCustomHook(served.path, "pre-receive", "echo 'this is wrong' >&2; exit 1");
  const refused = await receivePack(server, served, body);
  assert.deepEqual([refused.error, refused.exitStatuses], [undefined, []]);
  assert.equal(answerOf(refused).progress, "this is wrong\n");
  assert.match(answerOf(refused).report, /ng refs\/heads\/main pre-receive hook declined/);

  writeCustomHook(served.path, "pre-receive", 'echo "$GL_PROTOCOL $GL_ID"; cat >/dev/null');
  writeCustomHook(served.path, "post-receive", "echo out; echo err >&2");
  const accepted = await receivePack(server, served, body);
  assert.match(answerOf(accepted).progress, /^ssh user-1\n/);
  assert.match(answerOf(accepted).progress, /out\n/);
  assert.match(answerOf(accepted).progress, /err\n/);
  assert.equal(served.gitLine(["rev-parse", MAIN]), to);
});

test("sshReceivePack keeps the refs of an object pool to itself", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const pool = server.repository();
  const pooled = writeCommit(pool, { ref: "refs/heads/pooled" });
  const alternates = join(repository.path, "objects/info/alternates");
  writeFileSync(alternates, `${join(pool.path, "objects")}\n`);
  const { stdout, error } = await receivePack(server, repository, pktLines(FLUSH));
  assert.equal(error, undefined);
  assert.ok(!stdout.includes(pooled));
});

test("sshReceivePack doesn't wait for a client that git is done with", async (t) => {
  const server = await startTestServer(t);
  const { address } = server.repository();
  const { promise: never, resolve } = Promise.withResolvers<void>();
  t.after(() => resolve());
  const requests = async function* () {
    yield { repository: address, glId: "user-1" };
    yield { stdin: pktLines(FLUSH) };
    await never;
  };
  let bytes = 0;
  for await (const { stdout } of server.client(SSHService).sSHReceivePack(requests())) {
    bytes += stdout.length;
  }
  assert.ok(bytes > 0);
});

test("sshReceivePack leaves no git behind when it is cancelled", async (t) => {
  const server = await startTestServer(t);
  const served = server.repository();
  const source = cloneForPush(t, served);
  const body = pushBytes(source, [{ ref: MAIN, to: writeNoise(source, 8) }]);
  const cancellation = new AbortController();
  const running = (): string[] => gitProcesses(process.pid);
  const requests = async function* (): AsyncGenerator<{ stdin: Uint8Array } | object> {
    yield { repository: served.address, glId: "user-1" };
    yield { stdin: body.subarray(0, 4 * 1024 * 1024 - 1024) };
    await eventually("git takes the pack", 60_000, () =>
      running().some((line) => /index-pack|unpack-objects/.test(line)),
    );
    cancellation.abort();
  };
  const { signal } = cancellation;
  const replies = server.client(SSHService).sSHReceivePack(requests(), { signal });
  await assert.rejects(
    async () => {
      for await (const _reply of replies);
    },
    { kind: "cancelled" },
  );
  await eventually("git is gone", 60_000, () => running().length === 0);
  assert.equal(served.gitLine(["for-each-ref"]), "");
});
