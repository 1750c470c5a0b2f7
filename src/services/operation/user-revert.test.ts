import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  UserRevertErrorSchema,
  type UserRevertRequest,
  type UserRevertRequestSchema,
} from "../../proto/operations_pb.ts";
import { changeFiles } from "../../testing/change-files.ts";
import { writeCustomHook } from "../../testing/custom-hook.ts";
import { type MergeScene, prepareMerge } from "../../testing/merge-scene.ts";
import { errorDetail, failureOf, TEST_USER } from "../../testing/operation-server.ts";
import { serversMetadata, startOtherServer } from "../../testing/other-server.ts";
import { eventually } from "../../testing/processes.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";

type Request = Exclude<MessageInitShape<typeof UserRevertRequestSchema>, UserRevertRequest>;

function revertMain({ address, main }: MergeScene, changes: Request = {}): Request {
  return {
    repository: address,
    user: TEST_USER,
    commit: { id: main },
    branchName: Buffer.from("main"),
    message: Buffer.from("Revert\n"),
    timestamp: { seconds: 1_700_000_100n },
    ...changes,
  };
}

for (const format of ["sha1", "sha256"] as const) {
  test(`userRevert takes back a commit of ${format}`, async (t) => {
    const scene = await prepareMerge(t, { format });
    const { server, repository, tip, content } = scene;
    const parent = changeFiles(repository, { "later.txt": "later\n" });
    const { branchUpdate } = await server.operations.userRevert(revertMain(scene));
    assert.equal(branchUpdate?.commitId, tip());
    assert.equal(branchUpdate?.branchCreated, false);
    assert.equal(branchUpdate?.repoCreated, false);
    assert.equal(content("main", "a.txt"), "a\n");
    assert.equal(content("main", "later.txt"), "later\n");
    assert.deepEqual(repository.gitLines(["cat-file", "commit", "main"]).slice(1), [
      `parent ${parent}`,
      "author Jane Doe <janedoe@gitlab.com> 1700000100 +0800",
      "committer Jane Doe <janedoe@gitlab.com> 1700000100 +0800",
      "",
      "Revert",
    ]);
    assert.deepEqual(server.leftovers(), []);
  });
}

test("userRevert makes a branch at another one", async (t) => {
  const scene = await prepareMerge(t);
  const { server, repository, main, base } = scene;
  const { branchUpdate } = await server.operations.userRevert(
    revertMain(scene, {
      branchName: Buffer.from("new"),
      startBranchName: Buffer.from("main"),
    }),
  );
  assert.equal(branchUpdate?.branchCreated, true);
  assert.equal(repository.gitLine(["rev-parse", "new^"]), main);
  const tree = repository.gitLine(["rev-parse", `${base}^{tree}`]);
  assert.equal(repository.gitLine(["rev-parse", "new^{tree}"]), tree);
});

test("userRevert takes a merge back to its first parent", async (t) => {
  const scene = await prepareMerge(t);
  const { server, repository, topic, content } = scene;
  const options = { merges: [topic] };
  const id = changeFiles(repository, { "folder/b.txt": "theirs\n" }, options);
  await server.operations.userRevert(revertMain(scene, { commit: { id } }));
  assert.equal(content("main", "folder/b.txt"), "b\n");
  assert.equal(content("main", "a.txt"), "ours\n");
});

test("userRevert takes a first commit back to nothing", async (t) => {
  const scene = await prepareMerge(t, { ours: { "folder/new.txt": "new\n" } });
  const { server, repository, base } = scene;
  await server.operations.userRevert(revertMain(scene, { commit: { id: base } }));
  const names = repository.gitLines(["ls-tree", "-r", "--name-only", "main"]);
  assert.deepEqual(names, ["folder/new.txt"]);
});

test("userRevert begins with a branch of another repository", async (t) => {
  const scene = await prepareMerge(t);
  const other = await startOtherServer(t);
  const { server, repository } = scene;
  const source = other.repository();
  repository.git(["push", "--quiet", source.path, "main"]);
  const start = changeFiles(source, { "new.txt": "new\n" });
  const request = revertMain(scene, {
    branchName: Buffer.from("new"),
    startBranchName: Buffer.from("main"),
    startRepository: source.address,
  });
  const metadata = serversMetadata({ other: other.server, default: server });
  const { branchUpdate } = await server.operations.userRevert(request, { metadata });
  assert.equal(branchUpdate?.branchCreated, true);
  assert.equal(repository.gitLine(["rev-parse", "new^"]), start);
  assert.deepEqual(server.leftovers(), []);
});

test("userRevert only looks whether it could when it is a dry run", async (t) => {
  const scene = await prepareMerge(t);
  const request = revertMain(scene, { dryRun: true });
  const { branchUpdate } = await scene.server.operations.userRevert(request);
  assert.equal(branchUpdate?.commitId, scene.main);
  assert.equal(scene.tip(), scene.main);
});

test("userRevert names the files in conflict", async (t) => {
  const scene = await prepareMerge(t);
  const last = changeFiles(scene.repository, { "a.txt": "other\n" });
  const error = await failureOf(scene.server.operations.userRevert(revertMain(scene)));
  assert(error instanceof Error && "kind" in error);
  assert.equal(error.kind, "failed-precondition");
  assert.equal(error.message, "revert: there are conflicting files");
  const detail = errorDetail(error, UserRevertErrorSchema).error;
  assert(detail.case === "mergeConflict");
  assert.deepEqual(detail.value.conflictingFiles.map(String), [String(Buffer.from("a.txt"))]);
  assert.equal(scene.tip(), last);
  assert.deepEqual(scene.server.leftovers(), []);
});

test("userRevert refuses what is taken back already", async (t) => {
  const scene = await prepareMerge(t);
  changeFiles(scene.repository, { "a.txt": "a\n" });
  const error = await failureOf(scene.server.operations.userRevert(revertMain(scene)));
  assert(error instanceof Error && "kind" in error);
  assert.equal(error.kind, "failed-precondition");
  assert.equal(error.message, "revert: could not apply because the result was empty");
  assert.equal(errorDetail(error, UserRevertErrorSchema).error.case, "changesAlreadyApplied");
});

test("userRevert says that the branch has gone another way", async (t) => {
  const scene = await prepareMerge(t);
  const { server, main, topic } = scene;
  const startBranchName = Buffer.from("topic");
  const request = revertMain(scene, { startBranchName, commit: { id: topic } });
  const error = await failureOf(server.operations.userRevert(request));
  assert(error instanceof Error && "kind" in error);
  assert.equal(error.kind, "failed-precondition");
  assert.equal(error.message, "revert: branch diverged");
  const detail = errorDetail(error, UserRevertErrorSchema).error;
  assert(detail.case === "notAncestor");
  assert.equal(Buffer.from(detail.value.parentRevision).toString(), main);
});

test("userRevert says why it can't revert", async (t) => {
  const scene = await prepareMerge(t);
  const zero = "0".repeat(40);
  const cases: readonly (readonly [Request, kind: string, message: string])[] = [
    [{ commit: { id: "missing" } }, "not-found", "revert commit lookup: commit not found"],
    [
      { branchName: Buffer.from("missing") },
      "invalid-argument",
      "resolve start ref: reference not found",
    ],
    [
      { user: { ...TEST_USER, timezone: "Nowhere" } },
      "invalid-argument",
      "unknown time zone Nowhere",
    ],
    [
      { expectedOldOid: zero },
      "invalid-argument",
      "cannot resolve expected old object ID: reference not found",
    ],
    [
      { expectedOldOid: "foobar" },
      "invalid-argument",
      'invalid expected old object ID: invalid object ID: "foobar", expected length 40, got 6',
    ],
    [
      { expectedOldOid: scene.base },
      "internal",
      "update reference with hooks: reference update: reference does not point to expected object",
    ],
  ];
  for (const [changes, kind, message] of cases) {
    const call = scene.server.operations.userRevert(revertMain(scene, changes));
    await assert.rejects(call, { kind, message });
  }
  assert.equal(scene.tip(), scene.main);
  assert.deepEqual(scene.server.leftovers(), []);
});

test("userRevert passes on what a custom hook says when it refuses", async (t) => {
  const scene = await prepareMerge(t);
  const { server, repository } = scene;
  for (const hook of ["pre-receive", "update"]) {
    writeCustomHook(repository.path, hook, "echo failure; exit 1");
    const error = await failureOf(server.operations.userRevert(revertMain(scene)));
    assert(error instanceof Error && "kind" in error);
    assert.equal(error.kind, "permission-denied");
    assert.equal(error.message, "revert: custom hook error");
    const detail = errorDetail(error, UserRevertErrorSchema).error;
    assert(detail.case === "customHook");
    assert.equal(Buffer.from(detail.value.stdout).toString(), "failure\n");
    writeCustomHook(repository.path, hook, "exit 0");
  }
  assert.equal(scene.tip(), scene.main);
});

test("userRevert doesn't move what GitLab wants to stay", async (t) => {
  const body = '{"status":false,"message":"no way"}';
  const scene = await prepareMerge(t, { answers: { allowed: { status: 401, body } } });
  const message = "update reference with hooks: running pre-receive hooks: GitLab: no way";
  const call = scene.server.operations.userRevert(revertMain(scene));
  await assert.rejects(call, { kind: "internal", message });
  assert.equal(scene.tip(), scene.main);
});

test("userRevert refuses requests that say too little", async (t) => {
  const scene = await prepareMerge(t);
  const { user: _user, ...nobody } = revertMain(scene);
  const { commit: _commit, ...nothing } = revertMain(scene);
  const empty = new Uint8Array();
  const cases: readonly (readonly [Request, message: string])[] = [
    [nobody, "empty User"],
    [nothing, "empty Commit"],
    [revertMain(scene, { branchName: empty }), "empty BranchName"],
    [revertMain(scene, { message: empty }), "empty Message"],
  ];
  for (const [request, message] of cases) {
    const call = scene.server.operations.userRevert(request);
    await assert.rejects(call, { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((address) =>
    scene.server.operations.userRevert({ ...(address && { repository: address }) }),
  );
});

test("userRevert lets one of several reverts of the same state win", async (t) => {
  const scene = await prepareMerge(t);
  const calls = ["a", "b", "c"].map((message) => {
    const changes = { message: Buffer.from(message), expectedOldOid: scene.main };
    return scene.server.operations.userRevert(revertMain(scene, changes));
  });
  const outcomes = await Promise.allSettled(calls);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  assert.equal(scene.repository.gitLine(["rev-parse", "main^"]), scene.main);
  assert.deepEqual(scene.server.leftovers(), []);
});

test("userRevert changes nothing when it is cancelled while a hook runs", async (t) => {
  const scene = await prepareMerge(t);
  const { server, repository, main, tip } = scene;
  writeCustomHook(repository.path, "pre-receive", `echo > ${repository.path}/began; sleep 1000`);
  const controller = new AbortController();
  const { signal } = controller;
  const failed = assert.rejects(server.operations.userRevert(revertMain(scene), { signal }));
  await eventually("the hook runs", 60_000, () => existsSync(`${repository.path}/began`));
  controller.abort();
  await failed;
  await eventually("nothing is left", 60_000, () => server.leftovers().length === 0);
  assert.equal(tip(), main);
});
