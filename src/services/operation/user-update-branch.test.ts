import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { writeCustomHook } from "../../testing/custom-hook.ts";
import { startOperationServer, TEST_USER } from "../../testing/operation-server.ts";
import { eventually } from "../../testing/processes.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { writeCommit } from "../../testing/test-commits.ts";

const BRANCH = "refs/heads/branch";
const SHA1_ZERO = "0".repeat(40);

for (const format of ["sha1", "sha256"] as const) {
  test(`userUpdateBranch moves, makes and deletes branches of ${format}`, async (t) => {
    const server = await startOperationServer(t);
    const repository = server.repository({ format });
    const first = writeCommit(repository, { ref: BRANCH });
    const second = writeCommit(repository, { parents: [first], content: "second" });
    const other = writeCommit(repository, { content: "other" });
    const zero = "0".repeat(first.length);
    for (const [branchName, oldrev, newrev] of [
      ["branch", first, second],
      ["branch", second, other],
      ["new", zero, first],
      ["refs/heads/branch", zero, first],
      ["branch", other, zero],
    ] as const) {
      const reply = await server.operations.userUpdateBranch({
        repository: server.address(repository),
        user: TEST_USER,
        branchName: Buffer.from(branchName),
        oldrev: Buffer.from(oldrev),
        newrev: Buffer.from(newrev),
      });
      assert.equal(reply.preReceiveError, "");
      const value = newrev === zero ? [] : [newrev];
      const format = "--format=%(objectname)";
      const lines = repository.gitLines(["for-each-ref", format, `refs/heads/${branchName}`]);
      assert.deepEqual(lines, value);
    }
    assert.deepEqual(server.leftovers(), []);
  });
}

test("userUpdateBranch replies what a hook has against it", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const first = writeCommit(repository, { ref: BRANCH });
  const second = writeCommit(repository, { parents: [first] });
  for (const hook of ["pre-receive", "update"]) {
    writeCustomHook(repository.path, hook, "echo $GL_USERNAME; exit 1");
    const reply = await server.operations.userUpdateBranch({
      repository: server.address(repository),
      user: TEST_USER,
      branchName: Buffer.from("branch"),
      oldrev: Buffer.from(first),
      newrev: Buffer.from(second),
    });
    assert.equal(reply.preReceiveError, "janedoe\n");
    assert.equal(repository.gitLine(["rev-parse", "branch"]), first);
    writeCustomHook(repository.path, hook, "exit 0");
  }
  assert.deepEqual(server.leftovers(), []);
});

test("userUpdateBranch has one message for all other failures", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const first = writeCommit(repository, { ref: BRANCH });
  const second = writeCommit(repository, { parents: [first] });
  const missing = "1234567890".repeat(4);
  for (const [branchName, oldrev, newrev] of [
    ["missing", first, second],
    ["branch", second, SHA1_ZERO],
    ["branch", first, missing],
    ["branch", missing, second],
    ["heads/branch", first, second],
    ["bad..name", SHA1_ZERO, first],
  ] as const) {
    const call = server.operations.userUpdateBranch({
      repository: server.address(repository),
      user: TEST_USER,
      branchName: Buffer.from(branchName),
      oldrev: Buffer.from(oldrev),
      newrev: Buffer.from(newrev),
    });
    const message = `Could not update ${branchName}. Please refresh and try again.`;
    await assert.rejects(call, { kind: "failed-precondition", message });
  }
  assert.deepEqual(repository.gitLines(["for-each-ref", "--format=%(refname) %(objectname)"]), [
    `${BRANCH} ${first}`,
  ]);
});

test("userUpdateBranch doesn't move what GitLab wants to stay", async (t) => {
  const body = '{"status":false,"message":"no way"}';
  const server = await startOperationServer(t, { allowed: { status: 401, body } });
  const repository = server.repository();
  const first = writeCommit(repository, { ref: BRANCH });
  const second = writeCommit(repository, { parents: [first] });
  const call = server.operations.userUpdateBranch({
    repository: server.address(repository),
    user: TEST_USER,
    branchName: Buffer.from("branch"),
    oldrev: Buffer.from(first),
    newrev: Buffer.from(second),
  });
  const message = "Could not update branch. Please refresh and try again.";
  await assert.rejects(call, { kind: "failed-precondition", message });
  assert.equal(repository.gitLine(["rev-parse", "branch"]), first);
});

test("userUpdateBranch refuses requests that say too little", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.address(server.repository());
  const [branchName, rev] = [Buffer.from("branch"), Buffer.from(SHA1_ZERO)];
  const user = TEST_USER;
  const short = 'invalid object ID: "short", expected length 40, got 5';
  for (const [request, kind, message] of [
    [{ branchName, oldrev: rev, newrev: rev }, "invalid-argument", "empty user"],
    [{ user, oldrev: rev, newrev: rev }, "invalid-argument", "empty branch name"],
    [{ user, branchName, newrev: rev }, "invalid-argument", "empty oldrev"],
    [{ user, branchName, oldrev: rev }, "invalid-argument", "empty newrev"],
    [
      { user, branchName, oldrev: Buffer.from("x"), newrev: Buffer.from("short") },
      "internal",
      `could not parse newrev: ${short}`,
    ],
    [
      { user, branchName, oldrev: Buffer.from("short"), newrev: rev },
      "internal",
      `could not parse oldrev: ${short}`,
    ],
  ] as const) {
    const call = server.operations.userUpdateBranch({ repository, ...request });
    await assert.rejects(call, { kind, message });
  }
  await assertRepositoryErrors((address) =>
    server.operations.userUpdateBranch({ ...(address && { repository: address }) }),
  );
});

test("userUpdateBranch lets one of several calls from the same state win", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const first = writeCommit(repository, { ref: BRANCH });
  const calls = ["a", "b", "c"].map((content) => {
    const newrev = writeCommit(repository, { parents: [first], content });
    return server.operations.userUpdateBranch({
      repository: server.address(repository),
      user: TEST_USER,
      branchName: Buffer.from("branch"),
      oldrev: Buffer.from(first),
      newrev: Buffer.from(newrev),
    });
  });
  const outcomes = await Promise.allSettled(calls);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") assert.equal(outcome.reason.kind, "failed-precondition");
  }
  assert.deepEqual(server.leftovers(), []);
});

test("userUpdateBranch changes nothing when it is cancelled while a hook runs", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const first = writeCommit(repository, { ref: BRANCH });
  const second = writeCommit(repository, { parents: [first] });
  writeCustomHook(repository.path, "update", `echo > ${repository.path}/began; sleep 1000`);
  const controller = new AbortController();
  const call = server.operations.userUpdateBranch(
    {
      repository: server.address(repository),
      user: TEST_USER,
      branchName: Buffer.from("branch"),
      oldrev: Buffer.from(first),
      newrev: Buffer.from(second),
    },
    { signal: controller.signal },
  );
  await eventually("the hook runs", 60_000, () => existsSync(`${repository.path}/began`));
  controller.abort();
  await assert.rejects(call);
  await eventually("nothing is left", 60_000, () => server.leftovers().length === 0);
  assert.equal(repository.gitLine(["rev-parse", "branch"]), first);
});
