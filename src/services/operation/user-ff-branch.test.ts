import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CustomHookError_HookType } from "../../proto/errors_pb.ts";
import { UserFFBranchErrorSchema } from "../../proto/operations_pb.ts";
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

const MAIN = "refs/heads/main";
const branch = Buffer.from("main");

for (const format of ["sha1", "sha256"] as const) {
  test(`userFFBranch moves a branch of ${format} forward`, async (t) => {
    const server = await startOperationServer(t);
    const repository = server.repository({ format });
    const first = writeCommit(repository, { ref: MAIN });
    const second = writeCommit(repository, { parents: [first] });
    const third = writeCommit(repository, { parents: [second] });
    repository.git(["update-ref", "refs/tags/main", third]);
    for (const [commitId, expectedOldOid] of [
      [second, ""],
      [second, ""],
      [third, second],
    ] as const) {
      const { branchUpdate } = await server.operations.userFFBranch({
        repository: server.address(repository),
        user: TEST_USER,
        branch,
        commitId,
        expectedOldOid,
      });
      assert.equal(branchUpdate?.commitId, commitId);
      assert.equal(branchUpdate?.branchCreated, false);
      assert.equal(repository.gitLine(["rev-parse", MAIN]), commitId);
    }
    assert.deepEqual(server.leftovers(), []);
  });
}

test("userFFBranch says why a branch can't be moved", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const first = writeCommit(repository, { ref: MAIN });
  const next = writeCommit(repository, { parents: [first] });
  const other = writeCommit(repository, { content: "other" });
  const tree = repository.gitLine(["rev-parse", `${first}^{tree}`]);
  const zero = "0".repeat(40);
  const stderr = `error: object ${tree} is a tree, not a commit\\nfatal: Not a valid commit name ${tree}\\n`;
  const expected = "expected old object ID";
  for (const [name, commitId, expectedOldOid, kind, message] of [
    ["missing", next, "", "invalid-argument", "reference not found"],
    ["main", other, "", "failed-precondition", "not fast forward"],
    ["main", zero, "", "internal", `checking for ancestry: invalid commit: "${zero}"`],
    [
      "main",
      tree,
      "",
      "internal",
      `checking for ancestry: determine ancestry: exit status 128, stderr: "${stderr}"`,
    ],
    [
      "main",
      "short",
      "",
      "invalid-argument",
      'cannot parse commit ID: invalid object ID: "short", expected length 40, got 5',
    ],
    [
      "main",
      next,
      "foobar",
      "invalid-argument",
      `invalid ${expected}: invalid object ID: "foobar", expected length 40, got 6`,
    ],
    ["main", next, zero, "invalid-argument", `cannot resolve ${expected}: reference not found`],
  ] as const) {
    const call = server.operations.userFFBranch({
      repository: server.address(repository),
      user: TEST_USER,
      branch: Buffer.from(name),
      commitId,
      expectedOldOid,
    });
    await assert.rejects(call, { kind, message });
  }
  assert.equal(repository.gitLine(["rev-parse", MAIN]), first);
  assert.deepEqual(server.leftovers(), []);
});

test("userFFBranch says what is missing in the history", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: MAIN });
  const gone = writeCommit(repository, { content: "gone" });
  const next = writeCommit(repository, { parents: [gone] });
  rmSync(join(repository.path, "objects", gone.slice(0, 2), gone.slice(2)));
  const call = server.operations.userFFBranch({
    repository: server.address(repository),
    user: TEST_USER,
    branch,
    commitId: next,
  });
  const stderr = `error: Could not read ${gone}\\nerror: could not parse commit ${gone}\\n`;
  await assert.rejects(call, {
    kind: "internal",
    message: `checking for ancestry: determine ancestry: exit status 128, stderr: "${stderr}"`,
  });
});

test("userFFBranch tells which change it couldn't make", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const first = writeCommit(repository);
  const second = writeCommit(repository, { parents: [first], ref: MAIN });
  const third = writeCommit(repository, { parents: [second] });
  const error = await failureOf(
    server.operations.userFFBranch({
      repository: server.address(repository),
      user: TEST_USER,
      branch,
      commitId: third,
      expectedOldOid: first,
    }),
  );
  assert(error instanceof Error && "kind" in error);
  assert.equal(error.kind, "failed-precondition");
  const reason = "reference update: reference does not point to expected object";
  assert.equal(error.message, `update reference with hooks: ${reason}`);
  const detail = errorDetail(error, UserFFBranchErrorSchema).error;
  assert(detail.case === "referenceUpdate");
  const { referenceName, oldOid, newOid } = detail.value;
  assert.deepEqual([referenceName.length, oldOid, newOid], [0, first, third]);
  assert.equal(repository.gitLine(["rev-parse", MAIN]), second);
});

test("userFFBranch passes on what a custom hook says when it refuses", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const first = writeCommit(repository, { ref: MAIN });
  const second = writeCommit(repository, { parents: [first] });
  for (const [hook, hookType] of [
    ["pre-receive", CustomHookError_HookType.PRERECEIVE],
    ["update", CustomHookError_HookType.UPDATE],
  ] as const) {
    writeCustomHook(repository.path, hook, "echo failure; exit 1");
    const error = await failureOf(
      server.operations.userFFBranch({
        repository: server.address(repository),
        user: TEST_USER,
        branch,
        commitId: second,
      }),
    );
    assert(error instanceof Error && "kind" in error);
    assert.equal(error.kind, "permission-denied");
    assert.equal(error.message, "failure\n");
    const detail = errorDetail(error, UserFFBranchErrorSchema).error;
    assert(detail.case === "customHook");
    assert.equal(detail.value.hookType, hookType);
    assert.equal(Buffer.from(detail.value.stdout).toString(), "failure\n");
    writeCustomHook(repository.path, hook, "exit 0");
  }
  assert.equal(repository.gitLine(["rev-parse", MAIN]), first);
});

test("userFFBranch doesn't move what GitLab wants to stay", async (t) => {
  const body = '{"status":false,"message":"no way"}';
  const server = await startOperationServer(t, { allowed: { status: 401, body } });
  const repository = server.repository();
  const first = writeCommit(repository, { ref: MAIN });
  const commitId = writeCommit(repository, { parents: [first] });
  const call = server.operations.userFFBranch({
    repository: server.address(repository),
    ...{ user: TEST_USER, branch, commitId },
  });
  const message = "updating ref with hooks: running pre-receive hooks: GitLab: no way";
  await assert.rejects(call, { kind: "internal", message });
  assert.equal(repository.gitLine(["rev-parse", MAIN]), first);
});

test("userFFBranch refuses requests that say too little", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.address(server.repository());
  for (const [request, message] of [
    [{ repository, user: TEST_USER }, "empty branch name"],
    [{ repository, branch }, "empty user"],
    [{ repository, branch, user: TEST_USER }, "empty commit id"],
    [{ repository, branch, user: TEST_USER, commitId: "x" }, "reference not found"],
  ] as const) {
    const call = server.operations.userFFBranch(request);
    await assert.rejects(call, { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((address) =>
    server.operations.userFFBranch({ ...(address && { repository: address }) }),
  );
});

test("userFFBranch lets one of several calls from the same state win", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const first = writeCommit(repository, { ref: MAIN });
  const calls = ["a", "b", "c"].map((content) => {
    const commitId = writeCommit(repository, { parents: [first], content });
    const address = server.address(repository);
    const request = { repository: address, user: TEST_USER, branch, commitId };
    return server.operations.userFFBranch({ ...request, expectedOldOid: first });
  });
  const outcomes = await Promise.allSettled(calls);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") assert.equal(outcome.reason.kind, "failed-precondition");
  }
  assert.deepEqual(server.leftovers(), []);
});

test("userFFBranch changes nothing when it is cancelled while a hook runs", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const first = writeCommit(repository, { ref: MAIN });
  const commitId = writeCommit(repository, { parents: [first] });
  writeCustomHook(repository.path, "pre-receive", `echo > ${repository.path}/began; sleep 1000`);
  const controller = new AbortController();
  const call = server.operations.userFFBranch(
    { repository: server.address(repository), user: TEST_USER, branch, commitId },
    { signal: controller.signal },
  );
  await eventually("the hook runs", 60_000, () => existsSync(`${repository.path}/began`));
  controller.abort();
  await assert.rejects(call);
  await eventually("nothing is left", 60_000, () => server.leftovers().length === 0);
  assert.equal(repository.gitLine(["rev-parse", MAIN]), first);
});
