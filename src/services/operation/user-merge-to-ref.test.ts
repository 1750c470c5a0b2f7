import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  UserMergeToRefRequest,
  UserMergeToRefRequestSchema,
} from "../../proto/operations_pb.ts";
import { writeCustomHook } from "../../testing/custom-hook.ts";
import { type MergeScene, prepareMerge } from "../../testing/merge-scene.ts";
import { TEST_USER } from "../../testing/operation-server.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";

type Request = Exclude<MessageInitShape<typeof UserMergeToRefRequestSchema>, UserMergeToRefRequest>;

const TARGET = "refs/merge-requests/1/merge";

function mergeTopic({ address, topic }: MergeScene, changes: Request = {}): Request {
  return {
    repository: address,
    user: TEST_USER,
    firstParentRef: Buffer.from("refs/heads/main"),
    sourceSha: topic,
    targetRef: Buffer.from(TARGET),
    message: Buffer.from("Merge"),
    timestamp: { seconds: 1_700_000_100n },
    ...changes,
  };
}

for (const format of ["sha1", "sha256"] as const) {
  test(`userMergeToRef merges a commit of ${format} and asks no hook`, async (t) => {
    const scene = await prepareMerge(t, { format });
    const { server, repository, main, topic } = scene;
    writeCustomHook(repository.path, "pre-receive", "exit 1");
    const { commitId } = await server.operations.userMergeToRef(mergeTopic(scene));
    assert.equal(repository.gitLine(["rev-parse", TARGET]), commitId);
    const tree = repository.gitLine(["merge-tree", "--write-tree", main, topic]);
    assert.equal(repository.gitLine(["rev-parse", `${TARGET}^{tree}`]), tree);
    assert.deepEqual(repository.gitLines(["rev-parse", `${TARGET}^@`]), [main, topic]);
    assert.equal(scene.tip(), main);
    assert.deepEqual(server.leftovers(), []);
  });
}

test("userMergeToRef sets a reference that is there, and takes a branch by its name", async (t) => {
  const scene = await prepareMerge(t);
  const { server, repository, base, main } = scene;
  repository.git(["update-ref", TARGET, base]);
  const branch = Buffer.from("main");
  const changes = { firstParentRef: new Uint8Array(), branch, expectedOldOid: base };
  const { commitId } = await server.operations.userMergeToRef(mergeTopic(scene, changes));
  assert.equal(repository.gitLine(["rev-parse", TARGET]), commitId);
  assert.equal(repository.gitLine(["rev-parse", `${TARGET}^1`]), main);
  const zero = "0".repeat(40);
  const targetRef = Buffer.from(`${TARGET}-2`);
  await server.operations.userMergeToRef(mergeTopic(scene, { targetRef, expectedOldOid: zero }));
});

test("userMergeToRef says why it can't merge", async (t) => {
  const sides = { ours: { "a.txt": "ours\n" }, theirs: { "a.txt": "theirs\n" } };
  const scene = await prepareMerge(t, sides);
  const { server, repository, base, main, topic } = scene;
  repository.git(["update-ref", TARGET, base]);
  repository.git(["symbolic-ref", "refs/merge-requests/symbolic", "refs/heads/main"]);
  const invalid = "invalid-argument";
  const precondition = "failed-precondition";
  const cases: readonly (readonly [Request, kind: string, message: string])[] = [
    [{ firstParentRef: Buffer.from("refs/heads/missing") }, invalid, "Invalid merge source"],
    [{ sourceSha: "missing" }, invalid, "Invalid merge source"],
    [{ user: { ...TEST_USER, timezone: "Nowhere" } }, invalid, "unknown time zone Nowhere"],
    [
      { expectedOldOid: "foobar" },
      invalid,
      'invalid expected old object ID: invalid object ID: "foobar", expected length 40, got 6',
    ],
    [
      { expectedOldOid: "1".repeat(40) },
      invalid,
      "cannot resolve expected old object ID: reference not found",
    ],
    [
      { targetRef: Buffer.from("refs/merge-requests/symbolic") },
      precondition,
      'target reference is symbolic: "refs/merge-requests/symbolic"',
    ],
    [
      { targetRef: Buffer.from("refs/merge-requests/1") },
      invalid,
      `target reference is ambiguous: reference is ambiguous: conflicts with "${TARGET}"`,
    ],
    [
      {},
      precondition,
      `Failed to create merge commit for source_sha ${topic} and target_sha ${main} at ${TARGET}`,
    ],
    [
      { sourceSha: base, expectedOldOid: main },
      precondition,
      `Could not update ${TARGET}. Please refresh and try again`,
    ],
  ];
  for (const [changes, kind, message] of cases) {
    const call = server.operations.userMergeToRef(mergeTopic(scene, changes));
    await assert.rejects(call, { kind, message });
  }
  assert.equal(repository.gitLine(["rev-parse", TARGET]), base);
  assert.deepEqual(server.leftovers(), []);
});

test("userMergeToRef refuses requests that say too little", async (t) => {
  const scene = await prepareMerge(t);
  const { user: _, ...nobody } = mergeTopic(scene);
  const empty = new Uint8Array();
  const cases: readonly (readonly [Request, message: string])[] = [
    [mergeTopic(scene, { firstParentRef: empty }), "empty first parent ref and branch name"],
    [nobody, "empty user"],
    [mergeTopic(scene, { sourceSha: "" }), "empty source SHA"],
    [mergeTopic(scene, { targetRef: empty }), "empty target ref"],
    [mergeTopic(scene, { targetRef: Buffer.from("refs/heads/x") }), "invalid target ref"],
  ];
  for (const [request, message] of cases) {
    const call = scene.server.operations.userMergeToRef(request);
    await assert.rejects(call, { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((address) =>
    scene.server.operations.userMergeToRef({ ...(address && { repository: address }) }),
  );
});

test("userMergeToRef lets one of several merges win", async (t) => {
  const scene = await prepareMerge(t);
  const { server, repository } = scene;
  const calls = ["a", "b", "c"].map((message) => {
    const changes = { message: Buffer.from(message), expectedOldOid: "0".repeat(40) };
    return server.operations.userMergeToRef(mergeTopic(scene, changes));
  });
  const outcomes = await Promise.allSettled(calls);
  const won = outcomes.filter((outcome) => outcome.status === "fulfilled");
  assert.equal(won.length, 1);
  assert.equal(won[0]?.value.commitId, repository.gitLine(["rev-parse", TARGET]));
  assert.deepEqual(server.leftovers(), []);
});
