import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { writeCustomHook } from "../../testing/custom-hook.ts";
import { startOperationServer, TEST_USER } from "../../testing/operation-server.ts";
import { eventually } from "../../testing/processes.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { writeCommit } from "../../testing/test-commits.ts";

const TAG = "refs/tags/v1";
const tagName = Buffer.from("v1");

for (const format of ["sha1", "sha256"] as const) {
  test(`userDeleteTag deletes tags of ${format}`, async (t) => {
    const server = await startOperationServer(t);
    const repository = server.repository({ format });
    const commit = writeCommit(repository, { ref: TAG });
    repository.git(["update-ref", "refs/tags/refs/tags/earth", commit]);
    repository.git(["tag", "-a", "-m", "text", "annotated", commit]);
    const annotated = repository.gitLine(["rev-parse", "annotated"]);
    for (const [name, expectedOldOid] of [
      ["v1", commit],
      ["refs/tags/earth", ""],
      ["annotated", annotated],
    ] as const) {
      const { preReceiveError } = await server.operations.userDeleteTag({
        repository: server.address(repository),
        user: TEST_USER,
        tagName: Buffer.from(name),
        expectedOldOid,
      });
      assert.equal(preReceiveError, "");
    }
    assert.deepEqual(repository.gitLines(["tag"]), []);
    assert.deepEqual(server.leftovers(), []);
  });
}

test("userDeleteTag says why a tag can't be deleted", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const first = writeCommit(repository);
  writeCommit(repository, { parents: [first], ref: TAG });
  const zero = "0".repeat(40);
  const invalid = "invalid object ID";
  for (const [name, expectedOldOid, kind, message] of [
    ["neptune", "", "failed-precondition", "tag not found: neptune"],
    ["milky way", "", "failed-precondition", "tag not found: milky way"],
    ["Dog\nStar", "", "failed-precondition", "tag not found: Dog\nStar"],
    [
      "v1",
      "io",
      "invalid-argument",
      `invalid expected old object ID: ${invalid}: "io", expected length 40, got 2`,
    ],
    ["v1", zero, "invalid-argument", "cannot resolve expected old object ID: reference not found"],
    [
      "v1",
      first,
      "failed-precondition",
      "reference update: reference does not point to expected object",
    ],
    [
      "nul\0",
      "",
      "internal",
      'resolving revision "refs/tags/nul\\x00": detected null byte in command argument "refs/tags/nul\\x00"',
    ],
  ] as const) {
    const call = server.operations.userDeleteTag({
      repository: server.address(repository),
      user: TEST_USER,
      tagName: Buffer.from(name),
      expectedOldOid,
    });
    await assert.rejects(call, { kind, message });
  }
  writeCustomHook(repository.path, "update", "printf '\\377'; exit 1");
  await assert.rejects(
    server.operations.userDeleteTag({
      repository: server.address(repository),
      user: TEST_USER,
      tagName,
    }),
    {
      kind: "internal",
      message: "grpc: error while marshaling: string field contains invalid UTF-8",
    },
  );
  assert.deepEqual(repository.gitLines(["tag"]), ["v1"]);
});

test("userDeleteTag replies what a hook has against it", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: TAG });
  for (const [hook, script, said] of [
    ["pre-receive", "echo out; echo GL_ID=$GL_ID >&2; exit 1", "GL_ID=user-123\n"],
    ["update", "echo out; exit 1", "out\n"],
  ] as const) {
    writeCustomHook(repository.path, hook, script);
    const { preReceiveError } = await server.operations.userDeleteTag({
      repository: server.address(repository),
      user: TEST_USER,
      tagName,
    });
    assert.equal(preReceiveError, said);
    writeCustomHook(repository.path, hook, "exit 0");
  }
  assert.deepEqual(repository.gitLines(["tag"]), ["v1"]);
});

test("userDeleteTag doesn't delete what GitLab wants to keep", async (t) => {
  const body = '{"status":false,"message":"no way"}';
  const server = await startOperationServer(t, { allowed: { status: 401, body } });
  const repository = server.repository();
  writeCommit(repository, { ref: TAG });
  const call = server.operations.userDeleteTag({
    repository: server.address(repository),
    user: TEST_USER,
    tagName,
  });
  const message = "running pre-receive hooks: GitLab: no way";
  await assert.rejects(call, { kind: "internal", message });
  assert.deepEqual(repository.gitLines(["tag"]), ["v1"]);
});

test("userDeleteTag refuses requests that say too little", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.address(server.repository());
  for (const [request, message] of [
    [{ repository, user: TEST_USER }, "empty tag name"],
    [{ repository, tagName }, "empty user"],
  ] as const) {
    const call = server.operations.userDeleteTag(request);
    await assert.rejects(call, { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((address) =>
    server.operations.userDeleteTag({ ...(address && { repository: address }) }),
  );
});

test("userDeleteTag lets one of several calls delete a tag", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const expectedOldOid = writeCommit(repository, { ref: TAG });
  const request = {
    repository: server.address(repository),
    ...{ user: TEST_USER, tagName, expectedOldOid },
  };
  const calls = [1, 2, 3].map(() => server.operations.userDeleteTag(request));
  const outcomes = await Promise.allSettled(calls);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") assert.equal(outcome.reason.kind, "failed-precondition");
  }
});

test("userDeleteTag deletes nothing when it is cancelled while a hook runs", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: TAG });
  writeCustomHook(repository.path, "pre-receive", `echo > ${repository.path}/began; sleep 1000`);
  const controller = new AbortController();
  const call = server.operations.userDeleteTag(
    { repository: server.address(repository), user: TEST_USER, tagName },
    { signal: controller.signal },
  );
  await eventually("the hook runs", 60_000, () => existsSync(`${repository.path}/began`));
  controller.abort();
  await assert.rejects(call);
  assert.deepEqual(repository.gitLines(["tag"]), ["v1"]);
});
