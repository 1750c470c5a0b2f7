import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  UserSquashErrorSchema,
  type UserSquashRequest,
  type UserSquashRequestSchema,
} from "../../proto/operations_pb.ts";
import { changeFiles } from "../../testing/change-files.ts";
import { type MergeScene, prepareMerge } from "../../testing/merge-scene.ts";
import { errorDetail, failureOf, TEST_USER } from "../../testing/operation-server.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";

type Request = Exclude<MessageInitShape<typeof UserSquashRequestSchema>, UserSquashRequest>;

const AUTHOR = { name: Buffer.from("Author"), email: Buffer.from("author@example.com") };

function squashTopic({ address, main, topic }: MergeScene, changes: Request = {}): Request {
  return {
    repository: address,
    user: TEST_USER,
    author: AUTHOR,
    startSha: main,
    endSha: topic,
    commitMessage: Buffer.from("Squash"),
    timestamp: { seconds: 1_700_000_100n },
    ...changes,
  };
}

for (const format of ["sha1", "sha256"] as const) {
  test(`userSquash makes one commit of several of ${format}`, async (t) => {
    const scene = await prepareMerge(t, { format });
    const { server, repository, main, topic } = scene;
    const more = { "folder/more.txt": "more\n" };
    const endSha = changeFiles(repository, more, { ref: "refs/heads/topic" });
    const request = squashTopic(scene, { endSha });
    const { squashSha } = await server.operations.userSquash(request);
    const tree = repository.gitLine(["merge-tree", "--write-tree", main, endSha]);
    assert.deepEqual(repository.gitLines(["cat-file", "commit", squashSha]), [
      `tree ${tree}`,
      `parent ${main}`,
      "author Author <author@example.com> 1700000100 +0000",
      "committer Jane Doe <janedoe@gitlab.com> 1700000100 +0800",
      "",
      "Squash",
    ]);
    assert.equal(scene.tip(), main);
    assert.notEqual(scene.tip("topic"), topic);
    assert.deepEqual(server.leftovers(), []);
  });
}

test("userSquash names the files in conflict", async (t) => {
  const sides = { ours: { "a.txt": "ours\n" }, theirs: { "a.txt": "theirs\n" } };
  const scene = await prepareMerge(t, sides);
  const error = await failureOf(scene.server.operations.userSquash(squashTopic(scene)));
  assert(error instanceof Error && "kind" in error);
  assert.equal(error.kind, "failed-precondition");
  assert.equal(error.message, "squashing commits: merge: there are conflicting files");
  const detail = errorDetail(error, UserSquashErrorSchema).error;
  assert(detail.case === "rebaseConflict");
  assert.deepEqual(detail.value.conflictingFiles.map(String), [String(Buffer.from("a.txt"))]);
  assert.deepEqual(detail.value.conflictingCommitIds, [scene.main, scene.topic]);
  assert.deepEqual(scene.server.leftovers(), []);
});

test("userSquash says which commit is missing", async (t) => {
  const scene = await prepareMerge(t);
  for (const [which, changes] of [
    ["start", { startSha: "missing" }],
    ["end", { endSha: "missing" }],
  ] as const) {
    const error = await failureOf(scene.server.operations.userSquash(squashTopic(scene, changes)));
    assert(error instanceof Error && "kind" in error);
    assert.equal(error.kind, "invalid-argument");
    assert.equal(error.message, `resolving ${which} revision: reference not found`);
    const detail = errorDetail(error, UserSquashErrorSchema).error;
    assert(detail.case === "resolveRevision");
    assert.equal(Buffer.from(detail.value.revision).toString(), "missing");
  }
});

test("userSquash knows the time zones of both people", async (t) => {
  const { server, ...scene } = await prepareMerge(t);
  const zoned = { ...AUTHOR, timezone: "Europe/Berlin" };
  const request = squashTopic({ server, ...scene }, { author: zoned });
  const { squashSha } = await server.operations.userSquash(request);
  const date = scene.repository.gitLine(["log", "-1", "--format=%ad", "--date=raw", squashSha]);
  assert.equal(date, "1700000100 +0100");
  for (const changes of [
    { author: { ...AUTHOR, timezone: "Nowhere" } },
    { user: { ...TEST_USER, timezone: "Nowhere" } },
  ]) {
    const call = server.operations.userSquash(squashTopic({ server, ...scene }, changes));
    await assert.rejects(call, { kind: "invalid-argument", message: "unknown time zone Nowhere" });
  }
});

test("userSquash answers nothing when a name is none", async (t) => {
  const scene = await prepareMerge(t);
  const author = { ...AUTHOR, name: Buffer.from(" ") };
  const { squashSha } = await scene.server.operations.userSquash(squashTopic(scene, { author }));
  assert.equal(squashSha, "");
});

test("userSquash refuses requests that say too little", async (t) => {
  const scene = await prepareMerge(t);
  const { user: _user, ...nobody } = squashTopic(scene);
  const { author: _author, ...anonymous } = squashTopic(scene);
  const empty = new Uint8Array();
  const cases: readonly (readonly [Request, message: string])[] = [
    [nobody, "empty User"],
    [squashTopic(scene, { user: { ...TEST_USER, name: empty } }), "empty user name"],
    [squashTopic(scene, { user: { ...TEST_USER, email: empty } }), "empty user email"],
    [squashTopic(scene, { startSha: "" }), "empty StartSha"],
    [squashTopic(scene, { endSha: "" }), "empty EndSha"],
    [squashTopic(scene, { commitMessage: empty }), "empty CommitMessage"],
    [anonymous, "empty Author"],
    [squashTopic(scene, { author: { ...AUTHOR, name: empty } }), "empty author name"],
    [squashTopic(scene, { author: { ...AUTHOR, email: empty } }), "empty author email"],
  ];
  for (const [request, message] of cases) {
    const call = scene.server.operations.userSquash(request);
    await assert.rejects(call, { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((address) =>
    scene.server.operations.userSquash({ ...(address && { repository: address }) }),
  );
});
