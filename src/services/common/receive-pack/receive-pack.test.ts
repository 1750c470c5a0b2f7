/** What clients other than git may say: answered as `git receive-pack` answers it. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SSHService } from "../../../proto/ssh_pb.ts";
import { writeCustomHook } from "../../../testing/custom-hook.ts";
import { createTestRepository } from "../../../testing/git-repository.ts";
import { FLUSH, pktLines } from "../../../testing/pkt-lines.ts";
import { eventually, gitProcesses } from "../../../testing/processes.ts";
import {
  makePushSource,
  PUSH_CAPABILITIES,
  type PushSource,
  pushedState,
  quarantinesIn,
  sayToReceivePack,
  twinsForPush,
  withoutMoments,
} from "../../../testing/push-twins.ts";
import { pushBytes, writeCommit } from "../../../testing/test-commits.ts";
import { startTestServer } from "../../../testing/test-server.ts";

const ZERO = "0".repeat(40);
const MAIN = "refs/heads/main";

function commands(lines: readonly string[], capabilities = PUSH_CAPABILITIES): Buffer {
  const [first = "", ...rest] = lines;
  return pktLines(`${first}\0 ${capabilities}`, ...rest, FLUSH);
}

/** Ends with the right checksum, whatever the content is. */
function sealed(pack: Buffer): Buffer {
  return Buffer.concat([pack, createHash("sha1").update(pack).digest()]);
}

function damaged(pack: Buffer, offset: number): Buffer {
  const copy = Buffer.from(pack);
  copy.writeUInt8(copy.readUInt8(offset) ^ 0xff, offset);
  return copy;
}

const EMPTY_PACK = sealed(Buffer.from("PACK\0\0\0\x02\0\0\0\0", "latin1"));

const CASES: readonly (readonly [string, (source: PushSource) => Uint8Array])[] = [
  ["nothing", () => Buffer.of()],
  ["an end in the middle of a command", ({ push }) => push().subarray(0, 30)],
  ["an end between commands and pack", ({ push }) => push().subarray(0, push().indexOf("PACK"))],
  ["an end in the pack's header", ({ push }) => push().subarray(0, push().indexOf("PACK") + 6)],
  ["an end in the pack", ({ push }) => push().subarray(0, -30)],
  ["a pack without its checksum", ({ push }) => push().subarray(0, -20)],
  ["a pack with a wrong checksum", ({ push }) => damaged(push(), push().length - 3)],
  ["a pack that is damaged", ({ push }) => damaged(push(), push().length - 40)],
  [
    "no pack but something else",
    ({ from, to }) =>
      Buffer.concat([commands([`${from} ${to} ${MAIN}`]), Buffer.from("KCAP\0\0\0\x02\0\0\0\0")]),
  ],
  [
    "a pack of a version to come",
    ({ push, pack }) => damaged(push(), push().length - pack.length + 7),
  ],
  [
    "an empty pack for a known commit",
    ({ from }) => Buffer.concat([commands([`${ZERO} ${from} refs/heads/same`]), EMPTY_PACK]),
  ],
  [
    "an empty pack for an unknown commit",
    ({ to }) => Buffer.concat([commands([`${ZERO} ${to} refs/heads/new`]), EMPTY_PACK]),
  ],
  [
    "a commit without its tree",
    ({ from, to, packOf }) => Buffer.concat([commands([`${from} ${to} ${MAIN}`]), packOf(to)]),
  ],
  [
    "a tree without its blob",
    ({ from, to, tree, packOf }) =>
      Buffer.concat([commands([`${from} ${to} ${MAIN}`]), packOf(to, tree)]),
  ],
  [
    "more than was asked for",
    ({ from, to, tree, blob, packOf }) =>
      Buffer.concat([
        commands([`${from} ${from} refs/heads/x`, `${ZERO} ${blob} refs/tags/blob`]),
        packOf(to, tree, blob),
      ]),
  ],
  [
    "one ref twice",
    ({ from, to, pack }) =>
      Buffer.concat([commands([`${from} ${to} ${MAIN}`, `${from} ${to} ${MAIN}`]), pack]),
  ],
  [
    "one ref twice, differently",
    ({ from, to, pack }) =>
      Buffer.concat([commands([`${from} ${to} ${MAIN}`, `${from} ${ZERO} ${MAIN}`]), pack]),
  ],
  [
    "another old value",
    ({ to, pack }) =>
      Buffer.concat([commands([`${to} ${to} ${MAIN}`, `${ZERO} ${to} refs/heads/new`]), pack]),
  ],
  [
    "a new ref that is there",
    ({ to, pack }) => Buffer.concat([commands([`${ZERO} ${to} ${MAIN}`]), pack]),
  ],
  [
    "an old value for a ref that isn't there",
    ({ from, to, pack }) => Buffer.concat([commands([`${from} ${to} refs/heads/nobody`]), pack]),
  ],
  [
    "the deletion of a ref with another value",
    ({ to }) => commands([`${to} ${ZERO} refs/heads/other`]),
  ],
  [
    "the deletion of a ref that isn't there",
    ({ from }) => commands([`${from} ${ZERO} refs/heads/nobody`]),
  ],
  ["the deletion of nothing", () => commands([`${ZERO} ${ZERO} refs/heads/nobody`])],
  ["the deletion of a funny name", ({ from }) => commands([`${from} ${ZERO} refs/heads/a..b`])],
  ["no name", ({ from, to, pack }) => Buffer.concat([commands([`${from} ${to} `]), pack])],
  ["HEAD", ({ from, to, pack }) => Buffer.concat([commands([`${from} ${to} HEAD`]), pack])],
  [
    "a name with a line feed",
    ({ to, pack }) => Buffer.concat([commands([`${ZERO} ${to} refs/heads/a\nb`]), pack]),
  ],
  [
    "a name that isn't text",
    ({ to, pack }) => Buffer.concat([commands([`${ZERO} ${to} refs/heads/\xe9\xff`]), pack]),
  ],
  [
    "a name that is too long for a file",
    ({ to, pack }) =>
      Buffer.concat([commands([`${ZERO} ${to} refs/heads/${"x".repeat(300)}`]), pack]),
  ],
  [
    "a very long funny name",
    ({ to, pack }) => Buffer.concat([commands([`${ZERO} ${to} funny/${"x".repeat(6000)}`]), pack]),
  ],
  ["a command that is none", () => pktLines("garbage", FLUSH)],
  [
    "upper-case ids",
    ({ from, to, pack }) =>
      Buffer.concat([commands([`${from.toUpperCase()} ${to} ${MAIN}`]), pack]),
  ],
  ["a length that is none", () => Buffer.from("zzzz")],
  ["a flush only", () => pktLines(FLUSH)],
  ["an error", () => pktLines("ERR no", FLUSH)],
  ["another object format", ({ push }) => push("report-status object-format=sha256")],
  [
    "no object format",
    ({ push, from, to, pack }) =>
      push().length > 0
        ? Buffer.concat([pktLines(`${from} ${to} ${MAIN}\0report-status`, FLUSH), pack])
        : pack,
  ],
  ["nothing asked for", ({ push }) => push("")],
  ["a report without bands", ({ push }) => push("report-status quiet")],
  [
    "a refusal without bands",
    ({ from }) => commands([`${from} ${ZERO} ${MAIN}`], "report-status quiet"),
  ],
  [
    "hidden without bands",
    ({ to, pack }) =>
      Buffer.concat([commands([`${ZERO} ${to} refs/keep-around/x`], "report-status quiet"), pack]),
  ],
  ["a pack cut short without bands", ({ push }) => push("report-status quiet").subarray(0, -30)],
  ["the second kind of report", ({ push }) => push("report-status-v2 side-band-64k")],
  [
    "both kinds of report",
    ({ push }) => push("report-status report-status-v2 side-band-64k quiet"),
  ],
  ["bands without a report", ({ push }) => push("side-band-64k quiet")],
  [
    "options",
    ({ from, to, pack }) =>
      Buffer.concat([
        commands([`${from} ${to} ${MAIN}`], `${PUSH_CAPABILITIES} push-options`),
        pktLines("a", "b", FLUSH),
        pack,
      ]),
  ],
  [
    "options that never end",
    ({ from, to }) =>
      Buffer.concat([
        commands([`${from} ${to} ${MAIN}`], `${PUSH_CAPABILITIES} push-options`),
        pktLines("a"),
      ]),
  ],
  [
    "atomic",
    ({ from, to, pack }) =>
      Buffer.concat([
        commands(
          [`${from} ${to} ${MAIN}`, `${to} ${to} refs/heads/other`],
          `${PUSH_CAPABILITIES} atomic`,
        ),
        pack,
      ]),
  ],
  [
    "a shallow push",
    ({ from, to, pack }) =>
      Buffer.concat([
        pktLines(`shallow ${from}`, `${from} ${to} ${MAIN}\0${PUSH_CAPABILITIES}`, FLUSH),
        pack,
      ]),
  ],
  [
    "a certificate",
    ({ from, to, pack }) =>
      Buffer.concat([
        pktLines(
          `push-cert\0${PUSH_CAPABILITIES}`,
          "certificate version 0.1\n",
          "\n",
          `${from} ${to} ${MAIN}\n`,
          "push-cert-end\n",
          FLUSH,
        ),
        pack,
      ]),
  ],
];

test("a client is answered as git answers it, whatever it says", async (t) => {
  const server = await startTestServer(t);
  for (const [name, say] of CASES) {
    await t.test(name, async (t) => {
      const [own, git] = twinsForPush(server);
      const input = say(makePushSource(t, own));
      const answer = await sayToReceivePack(server, own, input);
      assert.deepEqual(
        withoutMoments(answer),
        withoutMoments(await sayToReceivePack(server, git, input)),
      );
      assert.deepEqual(pushedState(own), pushedState(git));
    });
  }
});

test("a client that goes away leaves nothing, whenever that is", async (t) => {
  const server = await startTestServer(t);
  const [own] = twinsForPush(server);
  const source = makePushSource(t, own);
  const input = source.push();
  const before = pushedState(own);
  const repository = { ...own.address, glRepository: "project-1" };
  for (let part = 0; part < 10; part++) {
    const controller = new AbortController();
    const advertised = Promise.withResolvers<void>();
    const requests = async function* (): AsyncGenerator<object> {
      yield { repository, glId: "user-1" };
      await advertised.promise;
      yield { stdin: input.subarray(0, Math.floor((input.length * part) / 10)) };
      controller.abort();
    };
    const { signal } = controller;
    const replies = server.client(SSHService).sSHReceivePack(requests(), { signal });
    await assert.rejects(async () => {
      for await (const _ of replies) advertised.resolve();
    }, /cancel/i);
    await eventually("all is gone", 60_000, () => gitProcesses(process.pid).length === 0);
    await eventually("nothing is left", 60_000, () => quarantinesIn(own).length === 0);
  }
  assert.deepEqual(pushedState(own), before);
});

test("a usual push runs no git receive-pack, an unusual one does", async (t) => {
  const server = await startTestServer(t);
  const repositories = twinsForPush(server);
  const input = makePushSource(t, repositories[0]).push();
  const found: boolean[] = [];
  for (const repository of repositories) {
    const file = (name: string): string => join(repository.path, name);
    const wait = "until [ -e goes-on ]; do sleep 0.01; done";
    writeCustomHook(repository.path, "pre-receive", `touch waits; ${wait}; cat >/dev/null`);
    const pushing = sayToReceivePack(server, repository, input);
    await eventually("the hook waits", 60_000, () => existsSync(file("waits")));
    found.push(gitProcesses(process.pid).some((line) => line.includes("receive-pack")));
    writeFileSync(file("goes-on"), "");
    assert.match((await pushing).data, /ok refs/);
  }
  assert.deepEqual(found, [false, true]);
});

test("a client that waits for a hook is shown that somebody is there", async (t) => {
  const server = await startTestServer(t);
  const [own] = twinsForPush(server);
  own.git(["config", "receive.keepAlive", "1"]);
  const wait = "until [ -e goes-on ]; do sleep 0.01; done";
  writeCustomHook(own.path, "pre-receive", `${wait}; cat >/dev/null`);
  const input = makePushSource(t, own).push();
  const repository = { ...own.address, glRepository: "project-1" };
  const requests = [{ repository, glId: "user-1" }, { stdin: input }];
  let said = "";
  for await (const { stdout } of server.client(SSHService).sSHReceivePack(requests)) {
    said += Buffer.from(stdout).toString("latin1");
    if (said.includes("0005\u0001")) writeFileSync(join(own.path, "goes-on"), "");
  }
  assert.match(said, /ok refs\/heads\/main/);
});

test("pushes to one branch at the same time: one wins", async (t) => {
  const server = await startTestServer(t);
  const [own] = twinsForPush(server);
  const source = createTestRepository(t);
  source.git(["fetch", "-q", own.path, "+refs/*:refs/*"]);
  const from = source.gitLine(["rev-parse", MAIN]);
  const tips = Array.from({ length: 5 }, (_, index) =>
    writeCommit(source, { content: `${index}\n`, parents: [from] }),
  );
  const answers = await Promise.all(
    tips.map((to) =>
      sayToReceivePack(
        server,
        own,
        pushBytes(source, [{ ref: MAIN, from, to }], PUSH_CAPABILITIES),
      ),
    ),
  );
  const won = answers.filter(({ data }) => data.includes(`ok ${MAIN}`));
  assert.equal(won.length, 1);
  for (const { data } of answers) {
    if (!data.includes(`ok ${MAIN}`)) assert.match(data, /ng refs\/heads\/main /);
  }
  assert.ok(tips.includes(own.gitLine(["rev-parse", MAIN])));
  own.git(["fsck", "--strict"]);
});

test("a repository that isn't as others are is left to git", async (t) => {
  const server = await startTestServer(t);
  const [own, git] = twinsForPush(server);
  const source = makePushSource(t, own);
  for (const { path } of [own, git]) {
    writeFileSync(join(path, "shallow"), `${source.from}\n`);
  }
  const input = source.push();
  const answer = await sayToReceivePack(server, own, input);
  assert.match(answer.data, /ok refs\/heads\/main/);
  assert.deepEqual(
    withoutMoments(answer),
    withoutMoments(await sayToReceivePack(server, git, input)),
  );
});
