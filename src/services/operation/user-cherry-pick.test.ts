import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  UserCherryPickErrorSchema,
  type UserCherryPickRequest,
  type UserCherryPickRequestSchema,
} from "../../proto/operations_pb.ts";
import { changeFiles } from "../../testing/change-files.ts";
import { writeCustomHook } from "../../testing/custom-hook.ts";
import { type MergeScene, prepareMerge } from "../../testing/merge-scene.ts";
import { errorDetail, failureOf, TEST_USER } from "../../testing/operation-server.ts";
import { serversMetadata, startOtherServer } from "../../testing/other-server.ts";
import { eventually } from "../../testing/processes.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";

type Request = Exclude<MessageInitShape<typeof UserCherryPickRequestSchema>, UserCherryPickRequest>;

function pickTopic({ address, topic }: MergeScene, changes: Request = {}): Request {
  return {
    repository: address,
    user: TEST_USER,
    commit: { id: topic },
    branchName: Buffer.from("main"),
    message: Buffer.from("Pick topic\n"),
    timestamp: { seconds: 1_700_000_100n },
    ...changes,
  };
}

for (const format of ["sha1", "sha256"] as const) {
  test(`userCherryPick repeats a commit of ${format}`, async (t) => {
    const scene = await prepareMerge(t, { format });
    const { server, repository, main, tip, content } = scene;
    const { branchUpdate } = await server.operations.userCherryPick(pickTopic(scene));
    assert.equal(branchUpdate?.commitId, tip());
    assert.equal(branchUpdate?.branchCreated, false);
    assert.equal(branchUpdate?.repoCreated, false);
    assert.equal(content("main", "a.txt"), "ours\n");
    assert.equal(content("main", "folder/b.txt"), "theirs\n");
    assert.deepEqual(repository.gitLines(["cat-file", "commit", "main"]).slice(1), [
      `parent ${main}`,
      "author A U Thor <author@example.com> 1700000000 +0100",
      "committer Jane Doe <janedoe@gitlab.com> 1700000100 +0800",
      "",
      "Pick topic",
    ]);
    assert.deepEqual(server.leftovers(), []);
  });
}

test("userCherryPick makes a branch at another one, with another author", async (t) => {
  const scene = await prepareMerge(t);
  const { server, repository, main } = scene;
  const { branchUpdate } = await server.operations.userCherryPick(
    pickTopic(scene, {
      branchName: Buffer.from("new"),
      startBranchName: Buffer.from("main"),
      commitAuthorName: Buffer.from(" Other "),
      commitAuthorEmail: Buffer.from("other@example.com"),
    }),
  );
  assert.equal(branchUpdate?.branchCreated, true);
  const author = repository.gitLine(["log", "-1", "--format=%an <%ae> %at", "new"]);
  assert.equal(author, "Other <other@example.com> 1700000100");
  assert.equal(repository.gitLine(["rev-parse", "new^"]), main);
});

test("userCherryPick takes the difference of a merge to its first parent", async (t) => {
  const scene = await prepareMerge(t);
  const { server, repository, base, main, topic, content } = scene;
  repository.git(["update-ref", "refs/heads/target", base]);
  const options = { merges: [topic] };
  const id = changeFiles(repository, { "folder/b.txt": "theirs\n" }, options);
  assert.equal(repository.gitLine(["rev-parse", `${id}^1`]), main);
  const branchName = Buffer.from("target");
  await server.operations.userCherryPick(pickTopic(scene, { branchName, commit: { id } }));
  assert.equal(content("target", "folder/b.txt"), "theirs\n");
  assert.equal(content("target", "a.txt"), "a\n");
});

test("userCherryPick picks onto a branch of another repository", async (t) => {
  const scene = await prepareMerge(t);
  const other = await startOtherServer(t);
  const { server, repository } = scene;
  const source = other.repository();
  repository.git(["push", "--quiet", source.path, "main"]);
  const start = changeFiles(source, { "new.txt": "new\n" });
  const request = pickTopic(scene, {
    branchName: Buffer.from("new"),
    startBranchName: Buffer.from("main"),
    startRepository: source.address,
  });
  const metadata = serversMetadata({ other: other.server, default: server });
  const { branchUpdate } = await server.operations.userCherryPick(request, { metadata });
  assert.equal(branchUpdate?.branchCreated, true);
  assert.equal(repository.gitLine(["rev-parse", "new^"]), start);
  const gone = { ...request, startRepository: { ...source.address, relativePath: "gone.git" } };
  await assert.rejects(server.operations.userCherryPick(gone, { metadata }), {
    kind: "not-found",
    message: "resolve start ref: repository not found",
  });
  assert.deepEqual(server.leftovers(), []);
});

test("userCherryPick keeps the author whom the mailmap names", async (t) => {
  const scene = await prepareMerge(t);
  const mailmap = "Proper Name <proper@example.com> <author@example.com>\n";
  changeFiles(scene.repository, { ".mailmap": mailmap }, { ref: "refs/heads/main" });
  await scene.server.operations.userCherryPick(pickTopic(scene));
  const author = scene.repository.gitLine([
    "log",
    "-1",
    "--no-use-mailmap",
    "--format=%an %ae",
    "main",
  ]);
  assert.equal(author, "Proper Name proper@example.com");
});

test("userCherryPick says what is wrong with an author's time zone", async (t) => {
  const scene = await prepareMerge(t);
  const { repository, topic, server } = scene;
  for (const [zone, problem] of [
    ["+9999", "time zone offset minute out of range"],
    ["+2500", "time zone offset hour out of range"],
    ["+01000", 'extra text: "0"'],
  ] as const) {
    const input = repository
      .git(["cat-file", "commit", topic])
      .toString()
      .replace(/^(author .*) [+-]\d+$/m, `$1 ${zone}`);
    const flags = ["-t", "commit", "-w", "--stdin", "--literally"];
    const id = repository.gitLine(["hash-object", ...flags], { input });
    const call = server.operations.userCherryPick(pickTopic(scene, { commit: { id } }));
    const message = `get cherry commit location: parsing time "${zone}": ${problem}`;
    await assert.rejects(call, { kind: "internal", message });
  }
});

test("userCherryPick only looks whether it could when it is a dry run", async (t) => {
  const scene = await prepareMerge(t);
  const request = pickTopic(scene, { dryRun: true });
  const { branchUpdate } = await scene.server.operations.userCherryPick(request);
  assert.equal(branchUpdate?.commitId, scene.main);
  assert.equal(scene.tip(), scene.main);
});

test("userCherryPick names the files in conflict", async (t) => {
  const sides = { ours: { "a.txt": "ours\n" }, theirs: { "a.txt": "theirs\n" } };
  const scene = await prepareMerge(t, sides);
  const error = await failureOf(scene.server.operations.userCherryPick(pickTopic(scene)));
  assert(error instanceof Error && "kind" in error);
  assert.equal(error.kind, "failed-precondition");
  assert.equal(error.message, "cherry pick: merge: there are conflicting files");
  const detail = errorDetail(error, UserCherryPickErrorSchema).error;
  assert(detail.case === "cherryPickConflict");
  assert.deepEqual(detail.value.conflictingFiles.map(String), [String(Buffer.from("a.txt"))]);
  assert.equal(scene.tip(), scene.main);
  assert.deepEqual(scene.server.leftovers(), []);
});

test("userCherryPick refuses what is there already", async (t) => {
  const same = { "a.txt": "same\n" };
  const scene = await prepareMerge(t, { ours: same, theirs: same });
  const error = await failureOf(scene.server.operations.userCherryPick(pickTopic(scene)));
  assert(error instanceof Error && "kind" in error);
  assert.equal(error.kind, "failed-precondition");
  assert.equal(error.message, "cherry-pick: could not apply because the result was empty");
  assert.equal(errorDetail(error, UserCherryPickErrorSchema).error.case, "changesAlreadyApplied");
});

test("userCherryPick says that the branch has gone another way", async (t) => {
  const scene = await prepareMerge(t);
  const { server, repository, base, main } = scene;
  repository.git(["update-ref", "refs/heads/other", base]);
  const startBranchName = Buffer.from("other");
  const request = pickTopic(scene, { startBranchName });
  const error = await failureOf(server.operations.userCherryPick(request));
  assert(error instanceof Error && "kind" in error);
  assert.equal(error.kind, "failed-precondition");
  assert.equal(error.message, "cherry-pick: branch diverged");
  const detail = errorDetail(error, UserCherryPickErrorSchema).error;
  assert(detail.case === "targetBranchDiverged");
  assert.equal(Buffer.from(detail.value.parentRevision).toString(), main);
});

test("userCherryPick says why it can't pick", async (t) => {
  const scene = await prepareMerge(t);
  const zero = "0".repeat(40);
  const cases: readonly (readonly [Request, kind: string, message: string])[] = [
    [
      { commit: { id: "missing" } },
      "not-found",
      'cherry-pick: commit lookup: commit not found: "missing"',
    ],
    [
      { commit: { id: scene.base } },
      "internal",
      "cherry-pick command: merge-tree: exit status 128",
    ],
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
    const call = scene.server.operations.userCherryPick(pickTopic(scene, changes));
    await assert.rejects(call, { kind, message });
  }
  assert.equal(scene.tip(), scene.main);
  assert.deepEqual(scene.server.leftovers(), []);
});

test("userCherryPick passes on what a custom hook says when it refuses", async (t) => {
  const scene = await prepareMerge(t);
  const { server, repository } = scene;
  for (const hook of ["pre-receive", "update"]) {
    writeCustomHook(repository.path, hook, "echo failure; exit 1");
    const error = await failureOf(server.operations.userCherryPick(pickTopic(scene)));
    assert(error instanceof Error && "kind" in error);
    assert.equal(error.kind, "failed-precondition");
    assert.equal(error.message, "access check failed");
    const detail = errorDetail(error, UserCherryPickErrorSchema).error;
    assert(detail.case === "accessCheck");
    assert.equal(detail.value.errorMessage, "failure");
    writeCustomHook(repository.path, hook, "exit 0");
  }
  assert.equal(scene.tip(), scene.main);
});

test("userCherryPick doesn't move what GitLab wants to stay", async (t) => {
  const body = '{"status":false,"message":"no way"}';
  const scene = await prepareMerge(t, { answers: { allowed: { status: 401, body } } });
  const message = "update reference with hooks: running pre-receive hooks: GitLab: no way";
  const call = scene.server.operations.userCherryPick(pickTopic(scene));
  await assert.rejects(call, { kind: "internal", message });
  assert.equal(scene.tip(), scene.main);
});

test("userCherryPick refuses requests that say too little", async (t) => {
  const scene = await prepareMerge(t);
  const { user: _user, ...nobody } = pickTopic(scene);
  const { commit: _commit, ...nothing } = pickTopic(scene);
  const empty = new Uint8Array();
  const cases: readonly (readonly [Request, message: string])[] = [
    [nobody, "empty User"],
    [nothing, "empty Commit"],
    [pickTopic(scene, { branchName: empty }), "empty BranchName"],
    [pickTopic(scene, { message: empty }), "empty Message"],
  ];
  for (const [request, message] of cases) {
    const call = scene.server.operations.userCherryPick(request);
    await assert.rejects(call, { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((address) =>
    scene.server.operations.userCherryPick({ ...(address && { repository: address }) }),
  );
});

test("userCherryPick lets one of several picks onto the same state win", async (t) => {
  const scene = await prepareMerge(t);
  const calls = ["a", "b", "c"].map((message) => {
    const changes = { message: Buffer.from(message), expectedOldOid: scene.main };
    return scene.server.operations.userCherryPick(pickTopic(scene, changes));
  });
  const outcomes = await Promise.allSettled(calls);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  assert.equal(scene.repository.gitLine(["rev-parse", "main^"]), scene.main);
  assert.deepEqual(scene.server.leftovers(), []);
});

test("userCherryPick changes nothing when it is cancelled while a hook runs", async (t) => {
  const scene = await prepareMerge(t);
  const { server, repository, main, tip } = scene;
  writeCustomHook(repository.path, "pre-receive", `echo > ${repository.path}/began; sleep 1000`);
  const controller = new AbortController();
  const { signal } = controller;
  const failed = assert.rejects(server.operations.userCherryPick(pickTopic(scene), { signal }));
  await eventually("the hook runs", 60_000, () => existsSync(`${repository.path}/began`));
  controller.abort();
  await failed;
  await eventually("nothing is left", 60_000, () => server.leftovers().length === 0);
  assert.equal(tip(), main);
});
