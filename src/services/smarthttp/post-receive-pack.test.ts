import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type PostReceivePackRequest, SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import { writeCustomHook } from "../../testing/custom-hook.ts";
import type { TestRepository } from "../../testing/git-repository.ts";
import { bandsOf, FLUSH, pktLines } from "../../testing/pkt-lines.ts";
import { eventually, gitProcesses } from "../../testing/processes.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { cloneForPush, pushBytes, writeCommit, writeNoise } from "../../testing/test-commits.ts";
import {
  type ServedRepository,
  startTestServer,
  type TestServer,
} from "../../testing/test-server.ts";

type Fields = Partial<Pick<PostReceivePackRequest, "gitConfigOptions" | "gitProtocol" | "glId">>;

/** Sends a body as a client does and takes apart what the server answers. */
async function push(
  server: TestServer,
  { address }: Pick<ServedRepository, "address">,
  body: Uint8Array,
  fields: Fields = {},
): Promise<{ report: string; progress: string; error: string }> {
  const repository = { ...address, glRepository: "project-1" };
  const header = { repository, glId: "user-1", ...fields };
  const chunks: Uint8Array[] = [];
  for await (const { data } of server
    .client(SmartHTTPService)
    .postReceivePack([header, { data: body }])) {
    chunks.push(data);
  }
  const { data, ...messages } = bandsOf(Buffer.concat(chunks));
  return { report: data.toString(), ...messages };
}

function report(...lines: readonly string[]): string {
  return pktLines(...lines.map((line) => `${line}\n`), FLUSH).toString();
}

/** A served repository with `main`, a source to push from, and a further commit there. */
async function ready(
  t: TestContext,
  format: "sha1" | "sha256" = "sha1",
): Promise<{
  server: TestServer;
  served: ServedRepository;
  source: TestRepository;
  from: string;
  to: string;
}> {
  const server = await startTestServer(t);
  const served = server.repository({ format });
  const from = writeCommit(served, { ref: "refs/heads/main" });
  const source = cloneForPush(t, served);
  const to = writeCommit(source, { content: "pushed\n", parents: [from] });
  return { server, served, source, from, to };
}

const MAIN = "refs/heads/main";

for (const format of ["sha1", "sha256"] as const) {
  test(`postReceivePack updates, creates and deletes refs of ${format}`, async (t) => {
    const { server, served, source, from, to } = await ready(t, format);
    const updates = [
      { ref: MAIN, from, to },
      { ref: "refs/heads/new", to },
    ];
    const pushed = await push(server, served, pushBytes(source, updates));
    assert.equal(pushed.report, report("unpack ok", `ok ${MAIN}`, "ok refs/heads/new"));
    assert.equal(served.gitLine(["rev-parse", MAIN]), to);

    const deletion = pushBytes(source, [{ ref: "refs/heads/new", from: to }]);
    const deleted = await push(server, served, deletion);
    assert.equal(deleted.report, report("unpack ok", "ok refs/heads/new"));
    assert.equal(served.gitLine(["for-each-ref", "--format=%(refname)"]), MAIN);
    served.git(["fsck", "--strict"]);
  });
}

test("postReceivePack refuses a ref that has moved meanwhile, and others not", async (t) => {
  const { server, served, source, from, to } = await ready(t);
  const other = writeCommit(source, { content: "other\n", parents: [from] });
  const moved = { ref: MAIN, from: to, to: other };
  const created = (ref: string) => pushBytes(source, [moved, { ref, to: other }]);
  const { report: told } = await push(server, served, created("refs/heads/new"));
  const ng = `ng ${MAIN} incorrect old value provided`;
  assert.equal(told, report("unpack ok", ng, "ok refs/heads/new"));

  const atomic = pushBytes(source, [moved, { ref: "refs/heads/newer", to: other }], ATOMIC);
  const refused = await push(server, served, atomic);
  assert.match(refused.report, /ng refs\/heads\/newer/);
  assert.equal(served.gitLine(["rev-parse", MAIN]), from);
  assert.doesNotMatch(served.gitLine(["for-each-ref"]), /newer/);
});

const ATOMIC = "report-status side-band-64k atomic";

test("postReceivePack keeps hands off GitLab's own refs", async (t) => {
  const { server, served, source, from, to } = await ready(t);
  for (const ref of [
    "refs/environments/1",
    "refs/keep-around/1",
    "refs/merge-requests/1/head",
    "refs/pipelines/1",
  ]) {
    served.git(["update-ref", ref, from]);
    const { report: told } = await push(server, served, pushBytes(source, [{ ref, from, to }]));
    assert.equal(told, report("unpack ok", `ng ${ref} deny updating a hidden ref`));
    assert.equal(served.gitLine(["rev-parse", ref]), from);
  }
});

test("postReceivePack applies the settings of a request", async (t) => {
  const { server, served, source, from, to } = await ready(t);
  const body = pushBytes(source, [{ ref: MAIN, from, to }]);
  const limited = await push(server, served, body, {
    gitConfigOptions: ["receive.MaxInputSize=1"],
  });
  assert.equal(limited.progress, "fatal: pack exceeds maximum allowed size\n");
  const unpacker = ["unpack unpack-objects abnormal exit", `ng ${MAIN} unpacker error`] as const;
  assert.equal(limited.report, report(...unpacker));
  assert.equal(served.gitLine(["rev-parse", MAIN]), from);

  const packed = await push(server, served, body, { gitConfigOptions: ["receive.unpackLimit=0"] });
  assert.equal(packed.report, report("unpack ok", `ok ${MAIN}`));
  const kinds = readdirSync(join(served.path, "objects/pack")).map((name) => name.split(".")[1]);
  assert.deepEqual(new Set(kinds), new Set(["idx", "pack", "rev"]));
});

test("postReceivePack checks objects, except for flaws that old clients have left", async (t) => {
  const { server, served, source, from } = await ready(t);
  const tree = source.gitLine(["rev-parse", `${from}^{tree}`]);
  const author = "A U Thor <author@example.com>";
  let tip = from;
  for (const date of [" 1313584730 +051800", ""]) {
    const commit = [
      `tree ${tree}\nparent ${tip}`,
      `author ${author}${date}\ncommitter ${author}${date}\n\nmessage\n`,
    ].join("\n");
    const flags = ["--literally", "-t", "commit", "--stdin", "-w"];
    const to = source.gitLine(["hash-object", ...flags], { input: commit });
    const { report: told } = await push(
      server,
      served,
      pushBytes(source, [{ ref: MAIN, from: tip, to }]),
    );
    assert.equal(told, report("unpack ok", `ok ${MAIN}`));
    tip = to;
  }
  const blob = source.gitLine(["hash-object", "-w", "--stdin"], { input: "twice" });
  const entry = `100644 blob ${blob}\tdup\n`;
  const twice = source.gitLine(["mktree"], { input: entry + entry });
  const to = source.gitLine(["commit-tree", "-p", tip, "-m", "duplicates", twice]);
  const refused = await push(server, served, pushBytes(source, [{ ref: MAIN, from: tip, to }]));
  assert.match(refused.progress, /duplicateEntries: contains duplicate file/);
  assert.match(refused.report, /ng refs\/heads\/main unpacker error/);
  assert.equal(served.gitLine(["rev-parse", MAIN]), tip);
});

test("postReceivePack shows what hooks print, and minds those that refuse", async (t) => {
  const { server, served, source, from, to } = await ready(t);
  const body = pushBytes(source, [{ ref: MAIN, from, to }]);
  writeCustomHook(served.path, "pre-receive", "echo 'this is wrong' >&2; exit 1");
  const refused = await push(server, served, body);
  assert.equal(refused.progress, "this is wrong\n");
  assert.equal(refused.report, report("unpack ok", `ng ${MAIN} pre-receive hook declined`));

  writeCustomHook(served.path, "pre-receive", "exit 0");
  writeCustomHook(served.path, "update", '[ "$1" != refs/heads/main ]');
  const declined = await push(server, served, body);
  assert.equal(declined.report, report("unpack ok", `ng ${MAIN} hook declined`));
  assert.equal(served.gitLine(["rev-parse", MAIN]), from);
  assert.deepEqual(quarantines(served), []);

  writeCustomHook(served.path, "update", "exit 0");
  writeCustomHook(served.path, "post-receive", "echo 'Hello stdout'; exit 1");
  const accepted = await push(server, served, body);
  assert.equal(accepted.progress, "Hello stdout\n");
  assert.equal(accepted.report, report("unpack ok", `ok ${MAIN}`));
});

test("postReceivePack hands push options and the pusher to custom hooks", async (t) => {
  const { server, served, source, from, to } = await ready(t);
  const variables = "$GIT_PUSH_OPTION_COUNT $GIT_PUSH_OPTION_0 $GL_ID $GL_PROTOCOL";
  writeCustomHook(served.path, "pre-receive", `echo "${variables}"`);
  const capabilities = "report-status side-band-64k push-options";
  const whole = pushBytes(source, [{ ref: MAIN, from, to }], capabilities);
  const end = whole.indexOf("0000PACK") + 4;
  const options = pktLines("ci.skip", FLUSH);
  const body = Buffer.concat([whole.subarray(0, end), options, whole.subarray(end)]);
  const { progress } = await push(server, served, body);
  assert.equal(progress, "1 ci.skip user-1 http\n");
});

test("postReceivePack refuses first messages that say too little or too much", async (t) => {
  const server = await startTestServer(t);
  const { address } = server.repository();
  const client = server.client(SmartHTTPService);
  for (const [request, message] of [
    [{ repository: address }, "empty GlId"],
    [{ repository: address, glId: "1", data: Buffer.from("x") }, "non-empty Data"],
    [{ data: Buffer.from("x") }, "empty GlId"],
  ] as const) {
    const call = client.postReceivePack([request]).next();
    await assert.rejects(call, { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((repository) =>
    client.postReceivePack([{ ...(repository && { repository }), glId: "user-1" }]),
  );
  await assert.rejects(client.postReceivePack([]).next(), { kind: "internal", message: "EOF" });
});

test("postReceivePack tells how git has failed", async (t) => {
  const { server, served } = await ready(t);
  await assert.rejects(push(server, served, pktLines("garbage")), {
    kind: "failed-precondition",
    message: "waiting for receive-pack: exit status 128",
  });
  await assert.rejects(push(server, served, pktLines(FLUSH), { gitConfigOptions: ["bad"] }), {
    kind: "internal",
    message: 'cannot convert invalid config key: "bad"',
  });
  await assert.rejects(push(server, served, pktLines(FLUSH), { gitConfigOptions: ["bad="] }), {
    kind: "failed-precondition",
    message: /^spawning receive-pack: invalid configuration key "bad"/,
  });
  writeFileSync(join(served.path, "config"), "x x x foobar");
  await assert.rejects(push(server, served, pktLines(FLUSH)), {
    kind: "failed-precondition",
    message: "waiting for receive-pack: exit status 128",
  });
});

test("postReceivePack leaves no git behind when it is cancelled", async (t) => {
  const { server, served, source, from } = await ready(t);
  const noise = writeNoise(source, 8);
  const body = pushBytes(source, [{ ref: MAIN, from, to: noise }]);
  const cancellation = new AbortController();
  const running = (): string[] => gitProcesses(process.pid);
  const requests = async function* (): AsyncGenerator<{ data: Uint8Array } | object> {
    yield { repository: served.address, glId: "user-1" };
    yield { data: body.subarray(0, 4 * 1024 * 1024 - 1024) };
    await eventually("git takes the pack", 60_000, () =>
      running().some((line) => /index-pack|unpack-objects/.test(line)),
    );
    cancellation.abort();
  };
  const { signal } = cancellation;
  const replies = server.client(SmartHTTPService).postReceivePack(requests(), { signal });
  await assert.rejects(replies.next(), { kind: "cancelled" });
  await eventually("git is gone", 60_000, () => running().length === 0);
  assert.equal(served.gitLine(["rev-parse", MAIN]), from);
});

function quarantines({ path }: ServedRepository): string[] {
  return readdirSync(join(path, "objects")).filter((name) => name.startsWith("tmp_objdir"));
}
