/** Who is asked about a push, and what the pusher hears of it: as with `git receive-pack`. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type TestContext, test } from "node:test";
import { writeCustomHook } from "../../../testing/custom-hook.ts";
import {
  type GitlabAnswers,
  startOperationServer,
  startServerAsking,
} from "../../../testing/operation-server.ts";
import { FLUSH, pktLines } from "../../../testing/pkt-lines.ts";
import {
  makePushSource,
  PUSH_CAPABILITIES,
  type PushSource,
  pushedState,
  sayToReceivePack,
  twinsForPush,
  withoutMoments,
} from "../../../testing/push-twins.ts";
import { listenForTest } from "../../../testing/test-gitlab.ts";
import { startTestServer } from "../../../testing/test-server.ts";
import { beginTransaction } from "../../../testing/transaction-client.ts";

const ZERO = "0".repeat(40);
const MAIN = "refs/heads/main";
const REFUSED = /pre-receive hook declined/;
const ACCEPTED = /ok refs\/heads\/main/;

const MESSAGES = [
  { type: "basic", message: "see\nthere" },
  { type: "alert", message: "be careful" },
];

const ANSWERS: readonly (readonly [string, GitlabAnswers, RegExp])[] = [
  ["401", { allowed: { status: 401, body: '{"message":"not you"}' } }, REFUSED],
  ["404", { allowed: { status: 404, body: '{"message":"no such project"}' } }, REFUSED],
  ["500", { allowed: { status: 500, body: "" } }, REFUSED],
  ["no", { allowed: { body: '{"status":false,"message":"GitLab says\\nno"}' } }, REFUSED],
  ["nonsense", { allowed: { body: "{" } }, REFUSED],
  ["too much", { allowed: { status: 429, body: "" } }, REFUSED],
  ["no count", { pre_receive: { body: '{"reference_counter_increased":false}' } }, REFUSED],
  ["no answer to the count", { pre_receive: { status: 500, body: "" } }, REFUSED],
  ["no answer in the end", { post_receive: { status: 500, body: "" } }, ACCEPTED],
  [
    "messages",
    {
      post_receive: {
        body: JSON.stringify({ reference_counter_decreased: true, messages: MESSAGES }),
      },
    },
    ACCEPTED,
  ],
];

for (const [name, answers, data] of ANSWERS) {
  test(`what GitLab answers looks the same both ways: ${name}`, async (t) => {
    const server = await startOperationServer(t, answers);
    const [own, git] = twinsForPush(server);
    const input = makePushSource(t, own).push();
    const told = await sayToReceivePack(server, own, input);
    const count = server.gitlab.received.length;
    assert.match(told.data, data);
    assert.deepEqual(
      withoutMoments(told),
      withoutMoments(await sayToReceivePack(server, git, input)),
    );
    assert.deepEqual(pushedState(own), pushedState(git));
    const asked = server.gitlab.received.map(({ url, body }) => [url, momentless(body)]);
    assert.deepEqual(asked.slice(0, count), asked.slice(count));
  });
}

const SILENT: readonly (readonly [string, (t: TestContext) => Promise<string>])[] = [
  ["isn't there", () => Promise.resolve("127.0.0.1:1")],
  ["takes too long", (t) => listenForTest(t, createServer())],
  [
    "hangs up",
    (t) =>
      listenForTest(
        t,
        createServer(({ socket }) => socket.destroy()),
      ),
  ],
];

for (const [name, start] of SILENT) {
  test(`a GitLab that ${name} looks the same both ways`, async (t) => {
    const server = await startServerAsking(t, `http://${await start(t)}`);
    const [own, git] = twinsForPush(server);
    const input = makePushSource(t, own).push();
    const told = await sayToReceivePack(server, own, input);
    assert.match(told.data, REFUSED);
    assert.equal(told.progress, "GitLab: Internal API unreachable");
    const toldByGit = await sayToReceivePack(server, git, input);
    assert.deepEqual(withoutMoments(told), withoutMoments(toldByGit));
    assert.deepEqual(pushedState(own), pushedState(git));
  });
}

/** Both repositories have a place and a quarantine of their own. */
function momentless(body: unknown): string {
  return JSON.stringify(body)
    .replaceAll(/repository-(\d+)(?:-git)?\.git/g, "NAME")
    .replaceAll(/tmp_objdir-incoming-\w+/g, "QUARANTINE");
}

const VOTED: readonly (readonly [string, (source: PushSource) => Buffer])[] = [
  ["one", ({ push }) => push()],
  [
    "several",
    ({ from, to, pack }) =>
      said(
        [
          [from, to, MAIN],
          [ZERO, to, "refs/heads/a"],
        ],
        pack,
      ),
  ],
  [
    "deletions",
    ({ from }) =>
      said([
        [from, ZERO, "refs/heads/other"],
        [from, ZERO, "refs/heads/no"],
      ]),
  ],
  [
    "both",
    ({ from, to, pack }) =>
      said(
        [
          [from, to, MAIN],
          [from, ZERO, "refs/heads/other"],
        ],
        pack,
      ),
  ],
  [
    "a wrong one",
    ({ from, to, pack }) =>
      said(
        [
          [to, to, MAIN],
          [from, to, "refs/heads/other"],
        ],
        pack,
      ),
  ],
  ["only wrong ones", ({ to, pack }) => said([[to, to, MAIN]], pack)],
  [
    "a conflict",
    ({ from, to, pack }) =>
      said(
        [
          [from, to, MAIN],
          [ZERO, to, `${MAIN}/x`],
        ],
        pack,
      ),
  ],
  [
    "atomic",
    ({ from, to, pack }) =>
      said(
        [
          [from, to, MAIN],
          [ZERO, to, "refs/a/b"],
        ],
        pack,
        " atomic",
      ),
  ],
  [
    "wrong, atomic",
    ({ from, to, pack }) =>
      said(
        [
          [from, to, MAIN],
          [to, to, "refs/heads/other"],
        ],
        pack,
        " atomic",
      ),
  ],
  [
    "refused by a hook",
    ({ from, to, pack }) =>
      said(
        [
          [from, to, MAIN],
          [ZERO, to, "refs/heads/refused"],
        ],
        pack,
      ),
  ],
];

function said(
  commands: readonly (readonly [string, string, string])[],
  pack: Uint8Array = Buffer.of(),
  more = "",
): Buffer {
  const [first = "", ...rest] = commands.map((words) => words.join(" "));
  const lines = pktLines(`${first}\0${PUSH_CAPABILITIES}${more}`, ...rest, FLUSH);
  return Buffer.concat([lines, pack]);
}

async function compareVotes(
  t: TestContext,
  say: (source: PushSource) => Buffer,
  abortIn?: "prepared" | "committed",
): Promise<readonly string[]> {
  const server = await startTestServer(t);
  const twins = twinsForPush(server);
  const input = say(makePushSource(t, twins[0]));
  const outcomes = [];
  for (const repository of twins) {
    writeCustomHook(repository.path, "update", '[ "$1" != refs/heads/refused ]');
    const transaction = beginTransaction(t, server, abortIn);
    const answer = await sayToReceivePack(server, repository, input, transaction);
    const state = pushedState(repository);
    outcomes.push({ answer: withoutMoments(answer), votes: transaction.votes, state });
  }
  assert.deepEqual(outcomes[0], outcomes[1]);
  return outcomes[0]?.votes ?? [];
}

for (const [name, say] of VOTED) {
  test(`servers vote on the same, in the same order: ${name}`, async (t) => {
    assert.notEqual((await compareVotes(t, say)).length, 0);
  });
}

for (const phase of ["prepared", "committed"] as const) {
  test(`a lost vote ends a push as it ends git: ${phase}`, async (t) => {
    await compareVotes(t, ({ push }) => push(), phase);
  });
}
