import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  UserRebaseConfirmableErrorSchema,
  type UserRebaseConfirmableRequest,
  type UserRebaseConfirmableRequest_Header,
  type UserRebaseConfirmableRequest_HeaderSchema,
  type UserRebaseConfirmableRequestSchema,
} from "../../proto/operations_pb.ts";
import { changeFiles } from "../../testing/change-files.ts";
import { writeCustomHook } from "../../testing/custom-hook.ts";
import { type MergeScene, prepareMerge } from "../../testing/merge-scene.ts";
import { errorDetail, failureOf, TEST_USER } from "../../testing/operation-server.ts";
import { serversMetadata, startOtherServer } from "../../testing/other-server.ts";
import { eventually } from "../../testing/processes.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";

type Header = Exclude<
  MessageInitShape<typeof UserRebaseConfirmableRequest_HeaderSchema>,
  UserRebaseConfirmableRequest_Header
>;
type Request = Exclude<
  MessageInitShape<typeof UserRebaseConfirmableRequestSchema>,
  UserRebaseConfirmableRequest
>;

function rebaseTopic({ address, topic }: MergeScene, changes: Header = {}): Header {
  return {
    repository: address,
    user: TEST_USER,
    branch: Buffer.from("topic"),
    branchSha: topic,
    remoteRepository: address,
    remoteBranch: Buffer.from("main"),
    timestamp: { seconds: 1_700_000_100n },
    ...changes,
  };
}

async function* confirmed(header: Header, apply = true) {
  const first: Request = { userRebaseConfirmableRequestPayload: { case: "header", value: header } };
  yield first;
  const second: Request = { userRebaseConfirmableRequestPayload: { case: "apply", value: apply } };
  yield second;
}

async function rebase({ server }: MergeScene, requests: AsyncIterable<Request>) {
  const metadata = serversMetadata({ default: server });
  return collect(server.operations.userRebaseConfirmable(requests, { metadata }));
}

for (const format of ["sha1", "sha256"] as const) {
  test(`userRebaseConfirmable moves a branch of ${format} onto another one`, async (t) => {
    const scene = await prepareMerge(t, { format });
    const { server, repository, main, tip } = scene;
    writeCustomHook(repository.path, "pre-receive", 'echo "$GIT_PUSH_OPTION_0" > options');
    const header = rebaseTopic(scene, { gitPushOptions: ["ci.skip"] });
    const replies = await rebase(scene, confirmed(header));
    const payloads = replies.map((reply) => reply.userRebaseConfirmableResponsePayload);
    assert.deepEqual(payloads, [
      { case: "rebaseSha", value: tip("topic") },
      { case: "rebaseApplied", value: true },
    ]);
    assert.deepEqual(repository.gitLines(["cat-file", "commit", "topic"]).slice(1), [
      `parent ${main}`,
      "author A U Thor <author@example.com> 1700000000 +0100",
      "committer Jane Doe <janedoe@gitlab.com> 1700000100 +0800",
      "",
      "theirs",
    ]);
    assert.deepEqual(server.leftovers(), []);
  });
}

test("userRebaseConfirmable rebases onto a branch of another repository", async (t) => {
  const scene = await prepareMerge(t);
  const other = await startOtherServer(t);
  const { server, repository } = scene;
  const source = other.repository();
  repository.git(["push", "--quiet", source.path, "main"]);
  const upstream = changeFiles(source, { "new.txt": "new\n" });
  const header = rebaseTopic(scene, { remoteRepository: source.address });
  const metadata = serversMetadata({ other: other.server, default: server });
  const requests = confirmed(header);
  await collect(server.operations.userRebaseConfirmable(requests, { metadata }));
  assert.equal(repository.gitLine(["rev-parse", "topic^"]), upstream);
  assert.deepEqual(server.leftovers(), []);
});

test("userRebaseConfirmable names the files in conflict", async (t) => {
  const sides = { ours: { "a.txt": "ours\n" }, theirs: { "a.txt": "theirs\n" } };
  const scene = await prepareMerge(t, sides);
  const { main, topic } = scene;
  const error = await failureOf(rebase(scene, confirmed(rebaseTopic(scene))));
  assert(error instanceof Error && "kind" in error);
  assert.equal(error.kind, "failed-precondition");
  const reason = `rebase: commit "${topic}": there are conflicting files`;
  assert.equal(error.message, `rebasing commits: ${reason}`);
  const detail = errorDetail(error, UserRebaseConfirmableErrorSchema).error;
  assert(detail.case === "rebaseConflict");
  assert.deepEqual(detail.value.conflictingFiles.map(String), [String(Buffer.from("a.txt"))]);
  assert.deepEqual(detail.value.conflictingCommitIds, [main, topic]);
  assert.equal(scene.tip("topic"), topic);
});

test("userRebaseConfirmable leaves the branch alone unless the client confirms", async (t) => {
  const scene = await prepareMerge(t);
  await assert.rejects(rebase(scene, confirmed(rebaseTopic(scene), false)), {
    kind: "failed-precondition",
    message: "rebase aborted by client",
  });
  const headerOnly = async function* () {
    for await (const request of confirmed(rebaseTopic(scene))) {
      yield request;
      return;
    }
  };
  const closed = { kind: "internal", message: "recv: EOF" };
  await assert.rejects(rebase(scene, headerOnly()), closed);
  assert.equal(scene.tip("topic"), scene.topic);
  assert.deepEqual(scene.server.leftovers(), []);
});

test("userRebaseConfirmable says why it can't rebase", async (t) => {
  const scene = await prepareMerge(t);
  const missing = "1".repeat(40);
  const cases: readonly (readonly [Header, kind: string, message: string])[] = [
    [
      { branchSha: "foobar" },
      "not-found",
      'invalid object ID: "foobar", expected length 40, got 6',
    ],
    [
      { branchSha: missing },
      "invalid-argument",
      "rebasing commits: resolving branch commit: reference not found",
    ],
    [
      { remoteBranch: Buffer.from("missing") },
      "invalid-argument",
      "resolve start ref: reference not found",
    ],
    [
      { user: { ...TEST_USER, timezone: "Nowhere" } },
      "invalid-argument",
      "unknown time zone Nowhere",
    ],
    [
      { branchSha: scene.base },
      "internal",
      "updating ref with hooks: reference update: reference does not point to expected object",
    ],
  ];
  for (const [changes, kind, message] of cases) {
    const call = rebase(scene, confirmed(rebaseTopic(scene, changes)));
    await assert.rejects(call, { kind, message });
  }
  assert.equal(scene.tip("topic"), scene.topic);
  assert.deepEqual(scene.server.leftovers(), []);
});

test("userRebaseConfirmable passes on what a custom hook says when it refuses", async (t) => {
  const scene = await prepareMerge(t);
  const { repository } = scene;
  for (const hook of ["pre-receive", "update"]) {
    writeCustomHook(repository.path, hook, "echo failure; exit 1");
    const error = await failureOf(rebase(scene, confirmed(rebaseTopic(scene))));
    assert(error instanceof Error && "kind" in error);
    assert.equal(error.kind, "permission-denied");
    assert.equal(error.message, `access check: "running ${hook} hooks: failure\\n"`);
    const detail = errorDetail(error, UserRebaseConfirmableErrorSchema).error;
    assert(detail.case === "accessCheck");
    assert.equal(detail.value.errorMessage, "failure\n");
    writeCustomHook(repository.path, hook, "exit 0");
  }
  assert.equal(scene.tip("topic"), scene.topic);
});

test("userRebaseConfirmable doesn't move what GitLab wants to stay", async (t) => {
  const body = '{"status":false,"message":"no way"}';
  const scene = await prepareMerge(t, { answers: { allowed: { status: 401, body } } });
  const message = "updating ref with hooks: running pre-receive hooks: GitLab: no way";
  const call = rebase(scene, confirmed(rebaseTopic(scene)));
  await assert.rejects(call, { kind: "internal", message });
  assert.equal(scene.tip("topic"), scene.topic);
});

test("userRebaseConfirmable refuses requests that say too little", async (t) => {
  const scene = await prepareMerge(t);
  const { user: _user, ...nobody } = rebaseTopic(scene);
  const { remoteRepository: _remote, ...nowhere } = rebaseTopic(scene);
  const empty = new Uint8Array();
  const cases: readonly (readonly [Header, message: string])[] = [
    [nobody, "empty User"],
    [rebaseTopic(scene, { branch: empty }), "empty Branch"],
    [rebaseTopic(scene, { branchSha: "" }), "empty BranchSha"],
    [nowhere, "empty RemoteRepository"],
    [rebaseTopic(scene, { remoteBranch: empty }), "empty RemoteBranch"],
    [
      rebaseTopic(scene, { remoteBranch: Buffer.from("+x") }),
      "resolve start ref: reference not found",
    ],
    [rebaseTopic(scene, { remoteBranch: Buffer.from("-x") }), "invalid branch name"],
  ];
  for (const [header, message] of cases) {
    const call = rebase(scene, confirmed(header));
    await assert.rejects(call, { kind: "invalid-argument", message });
  }
  const confirmation = async function* () {
    const request: Request = {
      userRebaseConfirmableRequestPayload: { case: "apply", value: true },
    };
    yield request;
  };
  const message = "empty UserRebaseConfirmableRequest.Header";
  await assert.rejects(rebase(scene, confirmation()), { kind: "invalid-argument", message });
  await assertRepositoryErrors((address) =>
    rebase(scene, confirmed({ ...(address && { repository: address }) })),
  );
});

test("userRebaseConfirmable changes nothing when it is cancelled while a hook runs", async (t) => {
  const scene = await prepareMerge(t);
  const { server, repository, topic, tip } = scene;
  writeCustomHook(repository.path, "pre-receive", `echo > ${repository.path}/began; sleep 1000`);
  const controller = new AbortController();
  const options = { signal: controller.signal, metadata: serversMetadata({ default: server }) };
  const requests = confirmed(rebaseTopic(scene));
  const failed = assert.rejects(
    collect(server.operations.userRebaseConfirmable(requests, options)),
  );
  await eventually("the hook runs", 60_000, () => existsSync(`${repository.path}/began`));
  controller.abort();
  await failed;
  await eventually("nothing is left", 60_000, () => server.leftovers().length === 0);
  assert.equal(tip("topic"), topic);
});
