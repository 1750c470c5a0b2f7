import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { CustomHookError_HookType } from "../../proto/errors_pb.ts";
import { UserCreateTagErrorSchema } from "../../proto/operations_pb.ts";
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
const [tagName, targetRevision] = [Buffer.from("v1"), Buffer.from("main")];
const timestamp = { seconds: 1_600_000_000n, nanos: 0 };

for (const format of ["sha1", "sha256"] as const) {
  test(`userCreateTag makes annotated tags of ${format} as git mktag does`, async (t) => {
    const server = await startOperationServer(t);
    const repository = server.repository({ format });
    const commit = writeCommit(repository, { ref: MAIN });
    for (const [name, message] of [
      ["to-be-créated", "This is an annotated tag\n\n"],
      ["controls", "\u0001\u0002\u0008"],
      ["blank", "\u00a0"],
      ["refs/tags/v1", "."],
    ] as const) {
      const { tag } = await server.operations.userCreateTag({
        repository: server.address(repository),
        user: TEST_USER,
        tagName: Buffer.from(name),
        targetRevision,
        message: Buffer.from(message),
        timestamp,
      });
      const tagger = "Jane Doe <janedoe@gitlab.com> 1600000000 +0800";
      const header = `object ${commit}\ntype commit\ntag ${name}\ntagger ${tagger}\n`;
      const oid = repository.gitLine(["mktag"], { input: `${header}\n${message}` });
      assert.equal(repository.gitLine(["rev-parse", `refs/tags/${name}`]), oid);
      assert.equal(tag?.id, oid);
      assert.equal(Buffer.from(tag.name).toString(), name);
      assert.equal(Buffer.from(tag.message).toString(), message);
      assert.equal(tag.messageSize, BigInt(Buffer.byteLength(message)));
      assert.equal(tag.targetCommit?.id, commit);
      assert.equal(tag.tagger, undefined);
    }
    repository.git(["fsck", "--strict"]);
    assert.deepEqual(server.leftovers(), []);
  });

  test(`userCreateTag makes lightweight tags of ${format} without text`, async (t) => {
    const server = await startOperationServer(t);
    const repository = server.repository({ format });
    const first = writeCommit(repository);
    const commit = writeCommit(repository, { parents: [first], ref: MAIN });
    repository.git(["tag", "-a", "-m", "text", "annotated", "main"]);
    const tree = repository.gitLine(["rev-parse", "main^{tree}"]);
    const blob = repository.gitLine(["rev-parse", "main:file"]);
    for (const [name, target, message, id] of [
      ["commit", "main", "", commit],
      ["parent", "heads/main~", " \t\n\f\r", first],
      ["peeled", "annotated", "", commit],
      ["tree", tree, "", tree],
      ["blob", "main:file", "", blob],
    ] as const) {
      const { tag } = await server.operations.userCreateTag({
        repository: server.address(repository),
        user: TEST_USER,
        tagName: Buffer.from(name),
        targetRevision: Buffer.from(target),
        message: Buffer.from(message),
      });
      assert.equal(repository.gitLine(["rev-parse", `refs/tags/${name}`]), id);
      assert.equal(tag?.id, id);
      assert.equal(tag.message.length, 0);
      assert.equal(tag.targetCommit?.id, name === "tree" || name === "blob" ? undefined : id);
    }
  });
}

test("userCreateTag takes the year 1 for no time at all", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: "refs/heads/main" });
  await server.operations.userCreateTag({
    repository: server.address(repository),
    user: TEST_USER,
    tagName: Buffer.from("v1"),
    targetRevision: Buffer.from(commit),
    message: Buffer.from("message"),
    timestamp: { seconds: -62_135_596_800n },
  });
  const tagger = repository.gitLines(["cat-file", "tag", "v1"])[3] ?? "";
  assert.match(tagger, /^tagger Jane Doe <[^>]+> \d{10} \+0000$/);
});

test("userCreateTag makes tags of tags, trees and blobs", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: MAIN });
  for (const [name, target, type, targetCommit] of [
    ["a", "main", "commit", commit],
    ["b", "a", "tag", commit],
    ["c", "b", "tag", commit],
    ["tree", "main^{tree}", "tree", undefined],
    ["blob", "main:file", "blob", undefined],
  ] as const) {
    const { tag } = await server.operations.userCreateTag({
      repository: server.address(repository),
      user: TEST_USER,
      tagName: Buffer.from(name),
      targetRevision: Buffer.from(target),
      message: Buffer.from("text"),
    });
    assert.equal(tag?.targetCommit?.id, targetCommit);
    const [object, ...lines] = repository.gitLines(["cat-file", "-p", name]);
    assert.equal(object, `object ${repository.gitLine(["rev-parse", target])}`);
    assert.equal(lines[0], `type ${type}`);
  }
});

test("userCreateTag shows a tag's object to hooks", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: MAIN });
  const check = 'test "$(git cat-file -t $new)" = tag';
  writeCustomHook(repository.path, "pre-receive", `read old new ref; ${check}`);
  writeCustomHook(repository.path, "update", `new=$3; ${check}`);
  await server.operations.userCreateTag({
    repository: server.address(repository),
    user: TEST_USER,
    ...{ tagName, targetRevision, message: Buffer.from("text") },
  });
});

test("userCreateTag passes on what a custom hook says when it refuses", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: MAIN });
  const objects = repository.gitLines(["count-objects", "-v"]);
  for (const [hook, hookType] of [
    ["pre-receive", CustomHookError_HookType.PRERECEIVE],
    ["update", CustomHookError_HookType.UPDATE],
  ] as const) {
    writeCustomHook(repository.path, hook, "echo GL_ID=$GL_ID; exit 1");
    const error = await failureOf(
      server.operations.userCreateTag({
        repository: server.address(repository),
        user: TEST_USER,
        ...{ tagName, targetRevision, message: Buffer.from("text") },
      }),
    );
    assert(error instanceof Error && "kind" in error);
    assert.equal(error.kind, "permission-denied");
    const doing = `reference update denied by custom hooks: running ${hook} hooks`;
    assert.equal(error.message, `${doing}: GL_ID=user-123\n`);
    const detail = errorDetail(error, UserCreateTagErrorSchema).error;
    assert(detail.case === "customHook");
    assert.equal(detail.value.hookType, hookType);
    writeCustomHook(repository.path, hook, "exit 0");
    if (hook === "pre-receive") {
      assert.deepEqual(repository.gitLines(["count-objects", "-v"]), objects);
    }
  }
  assert.deepEqual(repository.gitLines(["tag"]), []);
  assert.deepEqual(server.leftovers(), []);
});

test("userCreateTag tells what GitLab says", async (t) => {
  const body = '{"status":false,"message":"no way"}';
  const server = await startOperationServer(t, { allowed: { status: 401, body } });
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: MAIN });
  const error = await failureOf(
    server.operations.userCreateTag({
      repository: server.address(repository),
      ...{ user: TEST_USER, tagName, targetRevision },
    }),
  );
  assert(error instanceof Error && "kind" in error);
  assert.equal(error.kind, "permission-denied");
  const reason = "running pre-receive hooks: GitLab: no way";
  assert.equal(error.message, `reference update denied by access checks: ${reason}`);
  const detail = errorDetail(error, UserCreateTagErrorSchema).error;
  assert(detail.case === "accessCheck");
  const { errorMessage, protocol, userId, changes } = detail.value;
  assert.deepEqual([errorMessage, protocol, userId], ["no way", "web", "user-123"]);
  assert.equal(Buffer.from(changes).toString(), `${"0".repeat(40)} ${commit} refs/tags/v1\n`);
});

test("userCreateTag tells which tag is there already", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: "refs/tags/v1" });
  writeCommit(repository, { ref: MAIN, content: "other" });
  const error = await failureOf(
    server.operations.userCreateTag({
      repository: server.address(repository),
      ...{ user: TEST_USER, tagName, targetRevision },
    }),
  );
  assert(error instanceof Error && "kind" in error);
  assert.deepEqual([error.kind, error.message], ["already-exists", "tag reference exists already"]);
  const detail = errorDetail(error, UserCreateTagErrorSchema).error;
  assert(detail.case === "referenceExists");
  assert.equal(Buffer.from(detail.value.referenceName).toString(), "refs/tags/v1");
  assert.equal(detail.value.oid, commit);
});

test("userCreateTag says why a tag can't be made", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: MAIN });
  repository.git(["tag", "folder/v1", "main"]);
  const text = Buffer.from("text");
  const couldNot = "Gitlab::Git::CommitError: Could not update refs/tags";
  for (const [name, changes, kind, message] of [
    ["v1", { targetRevision: Buffer.from("no") }, "failed-precondition", "revspec 'no' not found"],
    [
      "v1",
      { targetRevision: Buffer.from("n\0") },
      "failed-precondition",
      "revspec 'n\0' not found",
    ],
    [
      "bad..name",
      { message: text },
      "not-found",
      `${couldNot}/bad..name. Please refresh and try again.`,
    ],
    [
      "v1",
      { message: text, timestamp: { seconds: -1n, nanos: 0 } },
      "not-found",
      `${couldNot}/v1. Please refresh and try again.`,
    ],
    [
      "bad..name",
      {},
      "failed-precondition",
      "reference update failed: reference update: invalid reference format",
    ],
    [
      "folder",
      {},
      "failed-precondition",
      "reference update failed: reference update: file directory conflict",
    ],
  ] as const) {
    const call = server.operations.userCreateTag({
      repository: server.address(repository),
      ...{ user: TEST_USER, tagName: Buffer.from(name), targetRevision },
      ...changes,
    });
    await assert.rejects(call, { kind, message });
  }
  assert.deepEqual(repository.gitLines(["tag"]), ["folder/v1"]);
  assert.deepEqual(server.leftovers(), []);
});

test("userCreateTag refuses what no tag can be made of", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.address(server.repository());
  const user = TEST_USER;
  for (const [request, message] of [
    [{}, "empty tag name"],
    [{ tagName: Buffer.from("a b") }, "invalid tag name: revision can't contain whitespace"],
    [{ tagName: Buffer.from("-a") }, "invalid tag name: revision can't start with '-'"],
    [{ tagName }, "empty user"],
    [{ tagName, user }, "empty target revision"],
    [
      { tagName, user, targetRevision, message: Buffer.from("\0") },
      "tag message contains NUL byte",
    ],
    [{ tagName, user, targetRevision }, "repository not set"],
    [
      { tagName, user: { ...user, timezone: "Not/AZone" }, targetRevision, repository },
      "unknown time zone Not/AZone",
    ],
  ] as const) {
    const call = server.operations.userCreateTag(request);
    await assert.rejects(call, { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((address) =>
    server.operations.userCreateTag({
      ...(address && { repository: address }),
      ...{ user, tagName, targetRevision },
    }),
  );
});

test("userCreateTag lets one of several calls for the same tag win", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: MAIN });
  const calls = ["a", "b", "c"].map((message) =>
    server.operations.userCreateTag({
      repository: server.address(repository),
      ...{ user: TEST_USER, tagName, targetRevision, message: Buffer.from(message) },
    }),
  );
  const outcomes = await Promise.allSettled(calls);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") continue;
    assert(["already-exists", "failed-precondition"].includes(outcome.reason.kind));
  }
  assert.deepEqual(server.leftovers(), []);
});

test("userCreateTag changes nothing when it is cancelled while a hook runs", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: MAIN });
  writeCustomHook(repository.path, "pre-receive", `echo > ${repository.path}/began; sleep 1000`);
  const controller = new AbortController();
  const call = server.operations.userCreateTag(
    {
      repository: server.address(repository),
      ...{ user: TEST_USER, tagName, targetRevision, message: Buffer.from("text") },
    },
    { signal: controller.signal },
  );
  await eventually("the hook runs", 60_000, () => existsSync(`${repository.path}/began`));
  controller.abort();
  await assert.rejects(call);
  await eventually("nothing is left", 60_000, () => server.leftovers().length === 0);
  assert.deepEqual(repository.gitLines(["tag"]), []);
});
