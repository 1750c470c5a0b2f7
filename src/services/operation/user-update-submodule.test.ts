import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { type TestContext, test } from "node:test";
import type { Message, MessageInitShape } from "@bufbuild/protobuf";
import { CustomHookError_HookType, PathError_ErrorType } from "../../proto/errors_pb.ts";
import {
  UserUpdateSubmoduleErrorSchema,
  type UserUpdateSubmoduleRequestSchema,
} from "../../proto/operations_pb.ts";
import { commitFiles } from "../../testing/commit-files.ts";
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
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import type { ServedRepository } from "../../testing/test-server.ts";

/** As plain fields, not as a message. */
type Request = Exclude<MessageInitShape<typeof UserUpdateSubmoduleRequestSchema>, Message>;
type Reply = ReturnType<OperationServer["operations"]["userUpdateSubmodule"]>;

interface SetUp {
  readonly server: OperationServer;
  readonly repository: ServedRepository;
  /** What `main` holds: submodules `sub` and `foo/sub`, and a file. */
  readonly tip: string;
  /** What the submodules are at. */
  readonly old: string;
  /** What they may be moved to. */
  readonly next: string;
  readonly request: Request;
  update(changes?: Request): Reply;
}

async function setUp(
  t: TestContext,
  { answers = {}, format = "sha1" }: { answers?: GitlabAnswers; format?: "sha1" | "sha256" } = {},
): Promise<SetUp> {
  const server = await startOperationServer(t, answers);
  const repository = server.repository({ format });
  const [old = "", next = ""] = ["1", "2"].map((digit) =>
    digit.repeat(format === "sha1" ? 40 : 64),
  );
  const module = { mode: "160000", oid: old };
  const files = { file: "x", sub: module, "foo/sub": module, "foo/file": "y" };
  const tip = commitFiles(repository, files);
  repository.git(["update-ref", "refs/heads/main", tip]);
  const request = {
    repository: server.address(repository),
    user: TEST_USER,
    commitSha: next,
    branch: Buffer.from("main"),
    submodule: Buffer.from("sub"),
    commitMessage: Buffer.from("message"),
  };
  const update = (changes: Request = {}): Reply =>
    server.operations.userUpdateSubmodule({ ...request, ...changes });
  return { server, repository, tip, old, next, request, update };
}

for (const format of ["sha1", "sha256"] as const) {
  test(`userUpdateSubmodule commits where a submodule is (${format})`, async (t) => {
    const { server, repository, tip, old, next, update } = await setUp(t, { format });
    const timestamp = { seconds: 1_600_000_000n, nanos: 1 };
    const { branchUpdate } = await update({ submodule: Buffer.from("foo/sub"), timestamp });
    assert.equal(branchUpdate?.commitId, repository.gitLine(["rev-parse", "main"]));
    assert.equal(branchUpdate.branchCreated || branchUpdate.repoCreated, false);
    const [tree = "", ...lines] = repository.gitLines(["cat-file", "commit", "main"]);
    const person = "Jane Doe <janedoe@gitlab.com> 1600000000 +0800";
    assert.match(tree, /^tree /);
    assert.deepEqual(lines, [
      `parent ${tip}`,
      `author ${person}`,
      `committer ${person}`,
      "",
      "message",
    ]);
    const names = repository.gitLines(["ls-tree", "-r", "--format=%(path) %(objectname)", "main"]);
    assert.deepEqual(
      names.filter((line) => line.includes("sub")),
      [`foo/sub ${next}`, `sub ${old}`],
    );
    const second = await update({ expectedOldOid: branchUpdate.commitId });
    assert.equal(second.branchUpdate?.commitId, repository.gitLine(["rev-parse", "main"]));
    assert.deepEqual(server.leftovers(), []);
    repository.git(["fsck", "--strict"]);
  });
}

test("userUpdateSubmodule takes the branch's name for a revision, too", async (t) => {
  const { repository, tip, update } = await setUp(t);
  const branch = Buffer.from("refs/heads/odd");
  repository.git(["update-ref", "refs/heads/refs/heads/odd", tip]);
  const { branchUpdate } = await update({ branch });
  assert.equal(
    branchUpdate?.commitId,
    repository.gitLine(["rev-parse", "refs/heads/refs/heads/odd"]),
  );
});

test("userUpdateSubmodule says what is wrong with the path", async (t) => {
  const { repository, tip, old, update } = await setUp(t);
  const { INVALID_PATH, PATH_EXISTS } = PathError_ErrorType;
  for (const [path, commitSha, message, errorType] of [
    ["other", undefined, "Invalid submodule path", INVALID_PATH],
    ["other/does/not/exist", undefined, "Invalid submodule path", INVALID_PATH],
    ["../outside", undefined, "Invalid submodule path", INVALID_PATH],
    ["file", undefined, "Invalid submodule path", INVALID_PATH],
    ["foo", undefined, "Invalid submodule path", INVALID_PATH],
    ["sub", old, `The submodule sub is already at ${old}`, PATH_EXISTS],
  ] as const) {
    const submodule = Buffer.from(path);
    const error = await failureOf(update({ submodule, ...(commitSha && { commitSha }) }));
    assert(error instanceof Error && "kind" in error);
    assert.deepEqual([error.kind, error.message], ["invalid-argument", message]);
    const detail = errorDetail(error, UserUpdateSubmoduleErrorSchema).error;
    assert(detail.case === "pathError");
    assert.equal(detail.value.errorType, errorType);
    assert.equal(Buffer.from(detail.value.path).toString(), path);
  }
  for (const [path, problem] of [
    ["/sub", "path is absolute"],
    [".", "path is empty"],
    [".git/sub", "disallowed path"],
  ] as const) {
    const message = `submodule subcommand: modifying tree: ${problem}`;
    await assert.rejects(update({ submodule: Buffer.from(path) }), { kind: "internal", message });
  }
  assert.equal(repository.gitLine(["rev-parse", "main"]), tip);
});

test("userUpdateSubmodule tells what git would refuse to write", async (t) => {
  const { update } = await setUp(t);
  for (const [changes, kind, message] of [
    [
      { user: { ...TEST_USER, name: Buffer.from("") } },
      "internal",
      "creating commit missing author name",
    ],
    [
      { user: { ...TEST_USER, name: Buffer.from(",") } },
      "internal",
      "creating commit disallowed characters",
    ],
    [
      { user: { ...TEST_USER, timezone: "Nowhere" } },
      "invalid-argument",
      "unknown time zone Nowhere",
    ],
  ] as const) {
    await assert.rejects(update(changes), { kind, message: `submodule subcommand: ${message}` });
  }
});

test("userUpdateSubmodule changes only the branch that it is told of", async (t) => {
  const { server, repository, tip, update } = await setUp(t);
  const missing = "3".repeat(40);
  const id = 'invalid object ID: "x", expected length 40, got 1';
  for (const [changes, message] of [
    [{ branch: Buffer.from("other") }, "Cannot find branch"],
    [{ expectedOldOid: "x" }, `invalid expected old object ID: ${id}`],
    [{ expectedOldOid: missing }, "cannot resolve expected old object ID: reference not found"],
    [{ branch: Buffer.from("other"), expectedOldOid: tip }, "Invalid submodule path"],
  ] as const) {
    await assert.rejects(update(changes), { kind: "invalid-argument", message });
  }
  const other = commitFiles(repository, { file: "other" });
  const error = await failureOf(update({ expectedOldOid: other }));
  assert(error instanceof Error && "kind" in error);
  assert.equal(error.kind, "failed-precondition");
  assert.equal(error.message, "reference update: reference does not point to expected object");
  const detail = errorDetail(error, UserUpdateSubmoduleErrorSchema).error;
  assert(detail.case === "referenceUpdate");
  assert.equal(Buffer.from(detail.value.referenceName).toString(), "refs/heads/main");
  assert.equal(detail.value.oldOid, other);
  assert.equal(repository.gitLine(["rev-parse", "main"]), tip);
  assert.deepEqual(server.leftovers(), []);
});

test("userUpdateSubmodule passes on what a custom hook says, and leaves nothing", async (t) => {
  const { server, repository, tip, update } = await setUp(t);
  const objects = repository.gitLine(["count-objects"]);
  for (const [hook, type] of [
    ["pre-receive", CustomHookError_HookType.PRERECEIVE],
    ["update", CustomHookError_HookType.UPDATE],
  ] as const) {
    const quarantined =
      hook === "pre-receive" ? "read old new ref; git cat-file -e $new || exit 0;" : "";
    writeCustomHook(repository.path, hook, `${quarantined} echo GL_ID=$GL_ID; exit 1`);
    const error = await failureOf(update());
    assert(error instanceof Error && "kind" in error);
    assert.deepEqual([error.kind, error.message], ["permission-denied", "GL_ID=user-123\n"]);
    const detail = errorDetail(error, UserUpdateSubmoduleErrorSchema).error;
    assert(detail.case === "customHook");
    assert.equal(detail.value.hookType, type);
    assert.equal(Buffer.from(detail.value.stdout).toString(), "GL_ID=user-123\n");
    if (hook === "pre-receive") assert.equal(repository.gitLine(["count-objects"]), objects);
    writeCustomHook(repository.path, hook, "exit 0");
  }
  assert.equal(repository.gitLine(["rev-parse", "main"]), tip);
  assert.deepEqual(server.leftovers(), []);
});

test("userUpdateSubmodule refuses what GitLab refuses", async (t) => {
  const answers = { allowed: { status: 401, body: '{"status":false,"message":"no way"}' } };
  const { repository, tip, update } = await setUp(t, { answers });
  const message = "updating ref with hooks: running pre-receive hooks: GitLab: no way";
  await assert.rejects(update(), { kind: "internal", message });
  assert.equal(repository.gitLine(["rev-parse", "main"]), tip);
});

test("userUpdateSubmodule refuses requests that say too little", async (t) => {
  const { server, request, update } = await setUp(t);
  const none = Buffer.alloc(0);
  const { user: _, ...anonymous } = request;
  for (const [changes, message] of [
    [{ commitSha: "" }, "empty CommitSha"],
    [{ commitSha: "foobar" }, "invalid CommitSha"],
    [{ branch: none }, "empty Branch"],
    [{ submodule: none }, "empty Submodule"],
    [{ commitMessage: none }, "empty CommitMessage"],
  ] as const) {
    await assert.rejects(update(changes), { kind: "invalid-argument", message });
  }
  const anonymousCall = server.operations.userUpdateSubmodule({ ...anonymous, commitSha: "" });
  await assert.rejects(anonymousCall, { kind: "invalid-argument", message: "empty User" });
  const empty = server.address(server.repository());
  const problem = { kind: "failed-precondition", message: "Repository is empty" };
  await assert.rejects(update({ repository: empty }), problem);
  await assertRepositoryErrors((address) => {
    const { repository: __, ...rest } = request;
    return server.operations.userUpdateSubmodule({
      ...rest,
      ...(address && { repository: address }),
    });
  });
});

test("userUpdateSubmodule lets one of two calls for the same branch win", async (t) => {
  const { server, repository, tip, update } = await setUp(t);
  const calls = [1, 2, 3].map((index) =>
    update({ expectedOldOid: tip, commitMessage: Buffer.from(`message ${index}`) }),
  );
  const outcomes = await Promise.allSettled(calls);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") assert.notEqual(outcome.reason.kind, "internal");
  }
  assert.equal(repository.gitLine(["rev-parse", "main^"]), tip);
  assert.deepEqual(server.leftovers(), []);
});

test("userUpdateSubmodule changes nothing when it is cancelled while a hook runs", async (t) => {
  const { server, repository, tip, request } = await setUp(t);
  writeCustomHook(repository.path, "pre-receive", `echo > ${repository.path}/began; sleep 1000`);
  const controller = new AbortController();
  const call = server.operations.userUpdateSubmodule(request, { signal: controller.signal });
  await eventually("the hook runs", 60_000, () => existsSync(`${repository.path}/began`));
  controller.abort();
  await assert.rejects(call);
  await eventually("nothing is left", 60_000, () => server.leftovers().length === 0);
  assert.equal(repository.gitLine(["rev-parse", "main"]), tip);
});
