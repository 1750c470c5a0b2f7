import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { CustomHookError_HookType } from "../../proto/errors_pb.ts";
import { UserDeleteBranchErrorSchema } from "../../proto/operations_pb.ts";
import { writeCustomHook } from "../../testing/custom-hook.ts";
import {
  errorDetail,
  failureOf,
  startOperationServer,
  TEST_USER,
} from "../../testing/operation-server.ts";
import { eventually } from "../../testing/processes.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { writeCommit } from "../../testing/test-commits.ts";

const BRANCH = "refs/heads/branch";
const branchName = Buffer.from("branch");

for (const format of ["sha1", "sha256"] as const) {
  test(`userDeleteBranch deletes branches of ${format}, loose and packed`, async (t) => {
    const server = await startOperationServer(t);
    const repository = server.repository({ format });
    const commit = writeCommit(repository, { ref: BRANCH });
    for (const name of ["heads/b", "refs/heads/b", "loose"]) {
      repository.git(["update-ref", `refs/heads/${name}`, commit]);
      if (name !== "loose") repository.git(["pack-refs", "--all"]);
    }
    for (const [name, expectedOldOid] of [
      ["branch", commit],
      ["heads/b", ""],
      ["refs/heads/b", ""],
      ["loose", commit],
    ] as const) {
      await server.operations.userDeleteBranch({
        repository: server.address(repository),
        user: TEST_USER,
        branchName: Buffer.from(name),
        expectedOldOid,
      });
      assert.deepEqual(repository.gitLines(["for-each-ref", `refs/heads/${name}`]), []);
    }
    assert.deepEqual(server.leftovers(), []);
  });
}

test("userDeleteBranch names what it can't find", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: BRANCH });
  const zero = "0".repeat(40);
  for (const [name, expectedOldOid, kind, message] of [
    ["mis\tsing", "", "failed-precondition", 'branch not found: "mis\\tsing"'],
    ["nul\0", "", "failed-precondition", 'branch not found: "nul\\x00"'],
    [
      "branch",
      "foobar",
      "invalid-argument",
      'invalid expected old object ID: invalid object ID: "foobar", expected length 40, got 6',
    ],
    [
      "branch",
      zero,
      "invalid-argument",
      "cannot resolve expected old object ID: reference not found",
    ],
  ] as const) {
    const call = server.operations.userDeleteBranch({
      repository: server.address(repository),
      user: TEST_USER,
      branchName: Buffer.from(name),
      expectedOldOid,
    });
    await assert.rejects(call, { kind, message });
  }
  assert.equal(repository.gitLine(["rev-parse", "branch"]), commit);
});

test("userDeleteBranch tells that the branch has changed or is locked", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const first = writeCommit(repository);
  const second = writeCommit(repository, { parents: [first], ref: BRANCH });
  const zero = "0".repeat(40);
  for (const [expectedOldOid, oldOid, reason] of [
    [first, first, "reference does not point to expected object"],
    ["", second, "reference is already locked"],
  ] as const) {
    if (expectedOldOid === "") writeFileSync(`${repository.path}/${BRANCH}.lock`, "");
    const error = await failureOf(
      server.operations.userDeleteBranch({
        repository: server.address(repository),
        user: TEST_USER,
        branchName,
        expectedOldOid,
      }),
    );
    assert(error instanceof Error && "kind" in error);
    assert.equal(error.kind, "failed-precondition");
    assert.equal(error.message, `reference update failed: reference update: ${reason}`);
    const detail = errorDetail(error, UserDeleteBranchErrorSchema).error;
    assert(detail.case === "referenceUpdate");
    assert.equal(Buffer.from(detail.value.referenceName).toString(), BRANCH);
    assert.equal(detail.value.oldOid, oldOid);
    assert.equal(detail.value.newOid, zero);
  }
  assert.equal(repository.gitLine(["rev-parse", "branch"]), second);
});

test("userDeleteBranch passes on what a custom hook says when it refuses", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: BRANCH });
  for (const [hook, hookType] of [
    ["pre-receive", CustomHookError_HookType.PRERECEIVE],
    ["update", CustomHookError_HookType.UPDATE],
  ] as const) {
    writeCustomHook(repository.path, hook, "echo GL_ID=$GL_ID; exit 1");
    const error = await failureOf(
      server.operations.userDeleteBranch({
        repository: server.address(repository),
        user: TEST_USER,
        branchName,
      }),
    );
    assert(error instanceof Error && "kind" in error);
    assert.equal(error.kind, "permission-denied");
    const said = "GL_ID=user-123\n";
    const message = `deletion denied by custom hooks: running ${hook} hooks: ${said}`;
    assert.equal(error.message, message);
    const detail = errorDetail(error, UserDeleteBranchErrorSchema).error;
    assert(detail.case === "customHook");
    assert.equal(detail.value.hookType, hookType);
    assert.equal(Buffer.from(detail.value.stdout).toString(), said);
    writeCustomHook(repository.path, hook, "exit 0");
  }
  assert.equal(repository.gitLine(["rev-parse", "branch"]), commit);
});

test("userDeleteBranch tells what GitLab says", async (t) => {
  const body = '{"status":false,"message":"something something"}';
  const server = await startOperationServer(t, { allowed: { status: 401, body } });
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: BRANCH });
  const error = await failureOf(
    server.operations.userDeleteBranch({
      repository: server.address(repository),
      user: TEST_USER,
      branchName,
    }),
  );
  assert(error instanceof Error && "kind" in error);
  assert.equal(error.kind, "permission-denied");
  const reason = "running pre-receive hooks: GitLab: something something";
  assert.equal(error.message, `deletion denied by access checks: ${reason}`);
  const detail = errorDetail(error, UserDeleteBranchErrorSchema).error;
  assert(detail.case === "accessCheck");
  const { errorMessage, protocol, userId, changes } = detail.value;
  assert.deepEqual([errorMessage, protocol, userId], ["something something", "web", "user-123"]);
  assert.equal(Buffer.from(changes).toString(), `${commit} ${"0".repeat(40)} ${BRANCH}\n`);
  assert.equal(repository.gitLine(["rev-parse", "branch"]), commit);
});

test("userDeleteBranch tells that GitLab is asked too often", async (t) => {
  const server = await startOperationServer(t, { allowed: { status: 429 } });
  const repository = server.repository();
  writeCommit(repository, { ref: BRANCH });
  const call = server.operations.userDeleteBranch({
    repository: server.address(repository),
    user: TEST_USER,
    branchName,
  });
  const message = "running pre-receive hooks: GitLab: rate limited";
  await assert.rejects(call, { kind: "resource-exhausted", message });
});

test("userDeleteBranch refuses requests that say too little", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.address(server.repository());
  for (const [request, message] of [
    [{ repository }, "bad request: empty branch name"],
    [{ repository, branchName }, "bad request: empty user"],
  ] as const) {
    const call = server.operations.userDeleteBranch(request);
    await assert.rejects(call, { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((address) =>
    server.operations.userDeleteBranch({ ...(address && { repository: address }) }),
  );
});

test("userDeleteBranch lets one of several calls delete a branch", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const expectedOldOid = writeCommit(repository, { ref: BRANCH });
  const calls = [1, 2, 3].map(() =>
    server.operations.userDeleteBranch({
      repository: server.address(repository),
      user: TEST_USER,
      branchName,
      expectedOldOid,
    }),
  );
  const outcomes = await Promise.allSettled(calls);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") assert.equal(outcome.reason.kind, "failed-precondition");
  }
});

test("userDeleteBranch deletes nothing when it is cancelled while a hook runs", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: BRANCH });
  writeCustomHook(repository.path, "pre-receive", `echo > ${repository.path}/began; sleep 1000`);
  const controller = new AbortController();
  const call = server.operations.userDeleteBranch(
    { repository: server.address(repository), user: TEST_USER, branchName },
    { signal: controller.signal },
  );
  await eventually("the hook runs", 60_000, () => existsSync(`${repository.path}/began`));
  controller.abort();
  await assert.rejects(call);
  assert.equal(repository.gitLine(["rev-parse", "branch"]), commit);
  assert(!existsSync(`${repository.path}/${BRANCH}.lock`));
});
