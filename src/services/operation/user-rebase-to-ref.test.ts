import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  UserRebaseToRefRequest,
  UserRebaseToRefRequestSchema,
} from "../../proto/operations_pb.ts";
import { changeFiles } from "../../testing/change-files.ts";
import { type MergeScene, prepareMerge } from "../../testing/merge-scene.ts";
import { TEST_USER } from "../../testing/operation-server.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";

type Request = Exclude<
  MessageInitShape<typeof UserRebaseToRefRequestSchema>,
  UserRebaseToRefRequest
>;

const TARGET = "refs/merge-requests/1/train";
const TOPIC = "refs/heads/topic";

function rebaseTopic({ address, tip }: MergeScene, changes: Request = {}): Request {
  return {
    repository: address,
    user: TEST_USER,
    firstParentRef: Buffer.from("refs/heads/main"),
    sourceSha: tip("topic"),
    targetRef: Buffer.from(TARGET),
    timestamp: { seconds: 1_700_000_100n },
    ...changes,
  };
}

for (const format of ["sha1", "sha256"] as const) {
  test(`userRebaseToRef repeats commits of ${format}`, async (t) => {
    const scene = await prepareMerge(t, { format });
    const { server, repository, main } = scene;
    const onTopic = { ref: TOPIC, message: "last\n" };
    // Is there already, and is dropped; has nothing to change any more, and is dropped as well.
    changeFiles(repository, { "a.txt": "ours\n" }, onTopic);
    changeFiles(repository, { "folder/c.txt": "c\n" }, onTopic);
    const { commitId } = await server.operations.userRebaseToRef(rebaseTopic(scene));
    assert.equal(repository.gitLine(["rev-parse", TARGET]), commitId);
    const fields = "--format=%s|%an|%ad|%cn|%cd";
    const log = ["log", fields, "--date=raw", `${main}..${TARGET}`];
    assert.deepEqual(repository.gitLines(log), [
      "last|A U Thor|1700000000 +0100|Jane Doe|1700000100 +0800",
      "theirs|A U Thor|1700000000 +0100|Jane Doe|1700000100 +0800",
    ]);
    const tree = repository.gitLine(["merge-tree", "--write-tree", main, scene.tip("topic")]);
    assert.equal(repository.gitLine(["rev-parse", `${TARGET}^{tree}`]), tree);
    assert.deepEqual(server.leftovers(), []);
  });
}

test("userRebaseToRef goes forward when nothing is in the way", async (t) => {
  const scene = await prepareMerge(t);
  const { server, base, main, topic } = scene;
  for (const [firstParent, sourceSha, expected] of [
    [base, topic, topic],
    [main, base, main],
  ] as const) {
    const firstParentRef = Buffer.from(firstParent);
    const request = rebaseTopic(scene, { firstParentRef, sourceSha });
    const { commitId } = await server.operations.userRebaseToRef(request);
    assert.equal(commitId, expected);
  }
});

test("userRebaseToRef keeps commits that were empty from the start", async (t) => {
  const scene = await prepareMerge(t);
  const { server, repository, main } = scene;
  changeFiles(repository, {}, { ref: TOPIC, message: "empty\n" });
  await server.operations.userRebaseToRef(rebaseTopic(scene));
  const log = repository.gitLines(["log", "--format=%s", `${main}..${TARGET}`]);
  assert.deepEqual(log, ["empty", "theirs"]);
});

test("userRebaseToRef says why it can't rebase", async (t) => {
  const sides = { ours: { "a.txt": "ours\n" }, theirs: { "a.txt": "theirs\n" } };
  const scene = await prepareMerge(t, sides);
  const { server, repository, base, main, topic } = scene;
  repository.git(["update-ref", TARGET, base]);
  const root = changeFiles(repository, { r: "r" }, { ref: "refs/heads/root", isRoot: true });
  repository.git(["symbolic-ref", "refs/merge-requests/symbolic", "refs/heads/main"]);
  const invalid = "invalid-argument";
  const precondition = "failed-precondition";
  const gone = changeFiles(repository, { g: "g" }, { ref: "refs/heads/gone", isRoot: true });
  const cut = changeFiles(repository, { g: "h" }, { ref: "refs/heads/gone" });
  rmSync(join(repository.path, "objects", gone.slice(0, 2), gone.slice(2)));
  const cases: readonly (readonly [Request, kind: string, message: string])[] = [
    [{ sourceSha: cut }, "internal", "rebasing commits: get merge-base: exit status 255"],
    [{ firstParentRef: Buffer.from("missing") }, invalid, "invalid FirstParentRef"],
    [{ sourceSha: "missing" }, invalid, "invalid SourceSha"],
    [{ user: { ...TEST_USER, timezone: "Nowhere" } }, invalid, "unknown time zone Nowhere"],
    [
      { expectedOldOid: "foobar" },
      invalid,
      'invalid expected old object ID: invalid object ID: "foobar", expected length 40, got 6',
    ],
    [
      { targetRef: Buffer.from("refs/merge-requests/symbolic") },
      precondition,
      'target reference is symbolic: "refs/merge-requests/symbolic"',
    ],
    [
      { sourceSha: `${main}^{tree}` },
      invalid,
      "rebasing commits: resolving branch commit: reference not found",
    ],
    [{ sourceSha: root }, "internal", "rebasing commits: get merge-base: exit status 1"],
    [
      {},
      precondition,
      `failed to rebase ${topic} on ${main} while preparing ${TARGET} due to conflict`,
    ],
    [
      { sourceSha: base, expectedOldOid: main },
      precondition,
      `could not update ${TARGET}. Please refresh and try again`,
    ],
  ];
  for (const [changes, kind, message] of cases) {
    const call = server.operations.userRebaseToRef(rebaseTopic(scene, changes));
    await assert.rejects(call, { kind, message });
  }
  assert.equal(repository.gitLine(["rev-parse", TARGET]), base);
  assert.deepEqual(server.leftovers(), []);
});

test("userRebaseToRef refuses requests that say too little", async (t) => {
  const scene = await prepareMerge(t);
  const { user: _, ...nobody } = rebaseTopic(scene);
  const empty = new Uint8Array();
  const cases: readonly (readonly [Request, message: string])[] = [
    [rebaseTopic(scene, { firstParentRef: empty }), "empty FirstParentRef"],
    [nobody, "empty User"],
    [rebaseTopic(scene, { sourceSha: "" }), "empty SourceSha"],
    [rebaseTopic(scene, { targetRef: empty }), "empty TargetRef"],
    [rebaseTopic(scene, { targetRef: Buffer.from("refs/heads/x") }), "invalid TargetRef"],
  ];
  for (const [request, message] of cases) {
    const call = scene.server.operations.userRebaseToRef(request);
    await assert.rejects(call, { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((address) =>
    scene.server.operations.userRebaseToRef({ ...(address && { repository: address }) }),
  );
});
