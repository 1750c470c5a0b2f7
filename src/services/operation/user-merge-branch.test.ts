import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { type TestContext, test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { CustomHookError_HookType } from "../../proto/errors_pb.ts";
import {
  UserMergeBranchErrorSchema,
  type UserMergeBranchRequest,
  type UserMergeBranchRequestSchema,
  type UserMergeBranchResponse,
} from "../../proto/operations_pb.ts";
import { changeFiles } from "../../testing/change-files.ts";
import { writeCustomHook } from "../../testing/custom-hook.ts";
import {
  errorDetail,
  failureOf,
  type GitlabAnswers,
  type OperationServer,
  startOperationServer,
  TEST_USER,
} from "../../testing/operation-server.ts";
import { eventually } from "../../testing/processes.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import type { ServedRepository } from "../../testing/test-server.ts";

type Request = Exclude<
  MessageInitShape<typeof UserMergeBranchRequestSchema>,
  UserMergeBranchRequest
>;

const MAIN = "refs/heads/main";
const TOPIC = "refs/heads/topic";

interface Scene {
  readonly server: OperationServer;
  readonly repository: ServedRepository;
  readonly base: string;
  readonly main: string;
  readonly topic: string;
  readonly request: Request;
}

/** Two branches with files of their own, and whatever else the sides are given. */
async function prepare(
  t: TestContext,
  {
    format = "sha1",
    answers = {},
    ours = { "a.txt": "ours\n" },
    theirs = { "folder/b.txt": "theirs\n" },
  }: {
    readonly format?: "sha1" | "sha256";
    readonly answers?: GitlabAnswers;
    readonly ours?: Parameters<typeof changeFiles>[1];
    readonly theirs?: Parameters<typeof changeFiles>[1];
  } = {},
): Promise<Scene> {
  const server = await startOperationServer(t, answers);
  const repository = server.repository({ format });
  const files = { "a.txt": "a\n", "folder/b.txt": "b\n", "folder/c.txt": "1\n2\n3\n4\n5\n" };
  const base = changeFiles(repository, files);
  repository.git(["update-ref", TOPIC, base]);
  const main = changeFiles(repository, ours);
  const topic = changeFiles(repository, theirs, { ref: TOPIC });
  const request = {
    repository: server.address(repository),
    user: TEST_USER,
    commitId: topic,
    branch: Buffer.from("main"),
    message: Buffer.from("Merge topic"),
    timestamp: { seconds: 1_700_000_100n },
  };
  return { server, repository, base, main, topic, request };
}

async function* confirmed(request: Request, confirmation: Request = { apply: true }) {
  yield request;
  yield confirmation;
}

async function mergeBranch(
  { server }: Scene,
  requests: AsyncIterable<Request>,
): Promise<UserMergeBranchResponse[]> {
  return collect(server.operations.userMergeBranch(requests));
}

for (const format of ["sha1", "sha256"] as const) {
  test(`userMergeBranch merges a commit of ${format} as git does`, async (t) => {
    const scene = await prepare(t, { format });
    const { server, repository, main, topic, request } = scene;
    const [first, second] = await mergeBranch(scene, confirmed(request));
    const merge = repository.gitLine(["rev-parse", MAIN]);
    assert.equal(first?.commitId, merge);
    assert.equal(second?.branchUpdate?.commitId, merge);
    assert.equal(second?.branchUpdate?.repoCreated, false);
    const tree = repository.gitLine(["merge-tree", "--write-tree", main, topic]);
    assert.deepEqual(repository.gitLines(["cat-file", "commit", merge]), [
      `tree ${tree}`,
      `parent ${main}`,
      `parent ${topic}`,
      "author Jane Doe <janedoe@gitlab.com> 1700000100 +0800",
      "committer Jane Doe <janedoe@gitlab.com> 1700000100 +0800",
      "",
      "Merge topic",
    ]);
    repository.git(["fsck", "--strict"]);
    assert.deepEqual(server.leftovers(), []);
  });
}

test("userMergeBranch merges what is in the same file, and squashes", async (t) => {
  const scene = await prepare(t, {
    ours: { "folder/c.txt": "1!\n2\n3\n4\n5\n" },
    theirs: { "folder/c.txt": "1\n2\n3\n4\n5!\n" },
  });
  const { repository, main, request } = scene;
  const [first] = await mergeBranch(scene, confirmed({ ...request, squash: true }));
  const merge = first?.commitId ?? "";
  assert.equal(repository.git(["show", `${merge}:folder/c.txt`]).toString(), "1!\n2\n3\n4\n5!\n");
  assert.deepEqual(repository.gitLines(["rev-parse", `${merge}^@`]), [main]);
});

test("userMergeBranch names the files in conflict", async (t) => {
  const sides = { ours: { "a.txt": "ours\n" }, theirs: { "a.txt": "theirs\n" } };
  const scene = await prepare(t, sides);
  const { server, repository, main, topic, request } = scene;
  const error = await failureOf(mergeBranch(scene, confirmed(request)));
  assert(error instanceof Error && "kind" in error);
  assert.equal(error.kind, "failed-precondition");
  assert.equal(error.message, "merging commits: merge: there are conflicting files");
  const detail = errorDetail(error, UserMergeBranchErrorSchema).error;
  assert(detail.case === "mergeConflict");
  assert.deepEqual(detail.value.conflictingFiles.map(String), [String(Buffer.from("a.txt"))]);
  assert.deepEqual(detail.value.conflictingCommitIds, [main, topic]);
  assert.equal(repository.gitLine(["rev-parse", MAIN]), main);
  assert.deepEqual(server.leftovers(), []);
});

test("userMergeBranch leaves the branch alone unless the client confirms", async (t) => {
  const scene = await prepare(t);
  const { server, repository, main, request } = scene;
  await assert.rejects(mergeBranch(scene, confirmed(request, {})), {
    kind: "failed-precondition",
    message: "merge aborted by client",
  });
  const unconfirmed = (async function* () {
    yield request;
  })();
  await assert.rejects(mergeBranch(scene, unconfirmed), { kind: "internal", message: "EOF" });
  assert.equal(repository.gitLine(["rev-parse", MAIN]), main);
  assert.deepEqual(server.leftovers(), []);
});

test("userMergeBranch says why it can't merge", async (t) => {
  const scene = await prepare(t);
  const { repository, main, request } = scene;
  const tree = repository.gitLine(["rev-parse", `${main}^{tree}`]);
  repository.git(["tag", "-a", "-m", "tag", "annotated", scene.topic]);
  const tag = repository.gitLine(["rev-parse", "annotated"]);
  const zero = "0".repeat(40);
  const expected = "expected old object ID";
  const noParent = `fatal: ${tag} is not a valid 'commit' object\n `;
  const cases: readonly (readonly [change: Request, kind: string, message: string])[] = [
    [{ branch: Buffer.from("missing") }, "not-found", "reference not found"],
    [{ commitId: "missing" }, "internal", "merge: couldn't parse merge tree output: "],
    [{ commitId: zero }, "internal", "merge: couldn't parse merge tree output: "],
    [{ commitId: tree }, "internal", "merge: couldn't parse merge tree output: "],
    [
      { commitId: "annotated" },
      "internal",
      `merge: create commit from tree: commit-tree: exit status 128: ${noParent}`,
    ],
    [{ commitId: "-x" }, "internal", "merge: could not parse exit status of merge-tree(1)"],
    [
      { user: { ...TEST_USER, timezone: "Nowhere" } },
      "invalid-argument",
      "unknown time zone Nowhere",
    ],
    [
      { user: { ...TEST_USER, name: Buffer.from(" ") } },
      "internal",
      "merge: create commit from tree: disallowed characters",
    ],
    [
      { expectedOldOid: "foobar" },
      "invalid-argument",
      `invalid ${expected}: invalid object ID: "foobar", expected length 40, got 6`,
    ],
    [
      { expectedOldOid: zero },
      "invalid-argument",
      `cannot resolve ${expected}: reference not found`,
    ],
  ];
  for (const [change, kind, message] of cases) {
    await assert.rejects(mergeBranch(scene, confirmed({ ...request, ...change })), {
      kind,
      message,
    });
  }
  assert.equal(repository.gitLine(["rev-parse", MAIN]), main);
  assert.deepEqual(scene.server.leftovers(), []);
});

test("userMergeBranch tells which change it couldn't make", async (t) => {
  const scene = await prepare(t);
  const { repository, base, main, request } = scene;
  const error = await failureOf(
    mergeBranch(scene, confirmed({ ...request, expectedOldOid: base })),
  );
  assert(error instanceof Error && "kind" in error);
  assert.equal(error.kind, "failed-precondition");
  const reason = "reference does not point to expected object";
  assert.equal(error.message, `reference update: ${reason}`);
  const detail = errorDetail(error, UserMergeBranchErrorSchema).error;
  assert(detail.case === "referenceUpdate");
  assert.equal(Buffer.from(detail.value.referenceName).toString(), MAIN);
  assert.equal(detail.value.oldOid, base);
  assert.equal(repository.gitLine(["rev-parse", MAIN]), main);
});

test("userMergeBranch passes on what a custom hook says when it refuses", async (t) => {
  const scene = await prepare(t);
  const { repository, main, request } = scene;
  for (const [hook, hookType] of [
    ["pre-receive", CustomHookError_HookType.PRERECEIVE],
    ["update", CustomHookError_HookType.UPDATE],
  ] as const) {
    writeCustomHook(repository.path, hook, "echo failure; exit 1");
    const error = await failureOf(mergeBranch(scene, confirmed(request)));
    assert(error instanceof Error && "kind" in error);
    assert.equal(error.kind, "permission-denied");
    assert.equal(error.message, "failure\n");
    const detail = errorDetail(error, UserMergeBranchErrorSchema).error;
    assert(detail.case === "customHook");
    assert.equal(detail.value.hookType, hookType);
    writeCustomHook(repository.path, hook, "exit 0");
  }
  assert.equal(repository.gitLine(["rev-parse", MAIN]), main);
});

test("userMergeBranch passes on what GitLab says when it refuses", async (t) => {
  const body = '{"status":false,"message":"no way"}';
  const scene = await prepare(t, { answers: { allowed: { status: 401, body } } });
  const { repository, main, topic, request } = scene;
  const error = await failureOf(mergeBranch(scene, confirmed(request)));
  assert(error instanceof Error && "kind" in error);
  assert.equal(error.kind, "permission-denied");
  assert.equal(error.message, "GitLab: no way");
  const detail = errorDetail(error, UserMergeBranchErrorSchema).error;
  assert(detail.case === "accessCheck");
  assert.equal(detail.value.errorMessage, "no way");
  assert.equal(detail.value.userId, TEST_USER.glId);
  assert.match(Buffer.from(detail.value.changes).toString(), new RegExp(`^${main} .* ${MAIN}\n$`));
  assert.equal(repository.gitLine(["rev-parse", MAIN]), main);
  assert.equal(repository.gitLine(["rev-parse", TOPIC]), topic);
});

test("userMergeBranch refuses requests that say too little", async (t) => {
  const scene = await prepare(t);
  const { request } = scene;
  const empty = new Uint8Array();
  const { user: _, ...nobody } = request;
  for (const [given, message] of [
    [nobody, "empty user"],
    [{ ...request, user: { ...TEST_USER, email: empty } }, "empty user email"],
    [{ ...request, user: { ...TEST_USER, name: empty } }, "empty user name"],
    [{ ...request, branch: empty }, "empty branch name"],
    [{ ...request, commitId: "" }, "empty commit ID"],
    [{ ...request, message: empty }, "empty message"],
  ] as const) {
    const call = mergeBranch(scene, confirmed(given));
    await assert.rejects(call, { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((address) =>
    mergeBranch(scene, confirmed({ ...(address && { repository: address }) })),
  );
});

test("userMergeBranch lets one of several merges of the same state win", async (t) => {
  const scene = await prepare(t);
  const { server, request, main } = scene;
  const calls = ["a", "b", "c"].map((message) =>
    mergeBranch(
      scene,
      confirmed({ ...request, expectedOldOid: main, message: Buffer.from(message) }),
    ),
  );
  const outcomes = await Promise.allSettled(calls);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") assert.equal(outcome.reason.kind, "failed-precondition");
  }
  assert.deepEqual(server.leftovers(), []);
});

test("userMergeBranch changes nothing when it is cancelled while a hook runs", async (t) => {
  const { server, repository, main, request } = await prepare(t);
  writeCustomHook(repository.path, "pre-receive", `echo > ${repository.path}/began; sleep 1000`);
  const controller = new AbortController();
  const { signal } = controller;
  const call = collect(server.operations.userMergeBranch(confirmed(request), { signal }));
  const failed = assert.rejects(call);
  await eventually("the hook runs", 60_000, () => existsSync(`${repository.path}/began`));
  controller.abort();
  await failed;
  await eventually("nothing is left", 60_000, () => server.leftovers().length === 0);
  assert.equal(repository.gitLine(["rev-parse", MAIN]), main);
});
