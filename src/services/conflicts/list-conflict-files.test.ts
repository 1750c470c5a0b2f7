import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  ConflictsService,
  type ListConflictFilesRequest,
  type ListConflictFilesRequestSchema,
} from "../../proto/conflicts_pb.ts";
import { type MergeScene, prepareMerge } from "../../testing/merge-scene.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";

type Request = Exclude<
  MessageInitShape<typeof ListConflictFilesRequestSchema>,
  ListConflictFilesRequest
>;

/** Two branches that have changed a file each in their own way. */
function prepareConflict(
  t: TestContext,
  options: Parameters<typeof prepareMerge>[1] = {},
): Promise<MergeScene> {
  const ours = { "a.txt": "ours\n", "folder/b.txt": "same\n" };
  const theirs = { "a.txt": "theirs\n", "folder/b.txt": "same\n" };
  return prepareMerge(t, { ours, theirs, ...options });
}

interface Listed {
  readonly header: readonly (string | number)[];
  content: string;
}

async function list(
  { server, address, main, topic }: MergeScene,
  changes: Request = {},
): Promise<{ readonly files: Listed[]; readonly replies: number }> {
  const client = server.client(ConflictsService);
  const request = { repository: address, ourCommitOid: main, theirCommitOid: topic, ...changes };
  const replies = await collect(client.listConflictFiles(request));
  const files: Listed[] = [];
  for (const { conflictFilePayload: payload } of replies.flatMap((reply) => reply.files)) {
    if (payload.case === "header") {
      const { theirPath, ourPath, ancestorPath, ourMode } = payload.value;
      const paths = [theirPath, ourPath, ancestorPath].map((path) => Buffer.from(path).toString());
      files.push({ header: [payload.value.commitOid, ...paths, ourMode], content: "" });
    }
    const last = files.at(-1);
    if (payload.case === "content" && last !== undefined) {
      last.content += Buffer.from(payload.value).toString();
    }
  }
  return { files, replies: replies.length };
}

for (const format of ["sha1", "sha256"] as const) {
  test(`listConflictFiles shows the conflicts of commits of ${format}`, async (t) => {
    const scene = await prepareConflict(t, { format });
    const { files } = await list(scene);
    assert.deepEqual(files, [
      {
        header: [scene.main, "a.txt", "a.txt", "a.txt", 0o100644],
        content: "<<<<<<< a.txt\nours\n=======\ntheirs\n>>>>>>> a.txt\n",
      },
    ]);
    assert.deepEqual(scene.server.leftovers(), []);
  });
}

test("listConflictFiles lists nothing where there is no conflict", async (t) => {
  const scene = await prepareMerge(t);
  assert.deepEqual(await list(scene), { files: [], replies: 0 });
});

test("listConflictFiles leaves contents out when it is told to", async (t) => {
  const scene = await prepareConflict(t);
  const { files } = await list(scene, { skipContent: true });
  assert.deepEqual(
    files.map(({ content }) => content),
    [""],
  );
});

test("listConflictFiles sends large files in pieces", async (t) => {
  const line = `${"x".repeat(99)}\n`;
  const scene = await prepareConflict(t, {
    ours: { "a.txt": `ours\n${line.repeat(3000)}` },
    theirs: { "a.txt": `theirs\n${line.repeat(3000)}` },
  });
  const { files, replies } = await list(scene);
  assert.equal(files.length, 1);
  assert.equal(replies, 3);
  assert.match(files[0]?.content ?? "", /^<<<<<<< a\.txt\nours\n/);
});

test("listConflictFiles lists files that one side has deleted when it may", async (t) => {
  const scene = await prepareConflict(t, { ours: { "a.txt": null } });
  const message = "conflict side missing";
  await assert.rejects(list(scene), { kind: "failed-precondition", message });
  const { files } = await list(scene, { allowTreeConflicts: true });
  assert.deepEqual(files, [{ header: [scene.main, "a.txt", "", "a.txt", 0], content: "theirs\n" }]);
});

test("listConflictFiles says why it can't list", async (t) => {
  const notUtf8 = { "a.txt": Buffer.from([0xe9, 0x0a]) };
  const scene = await prepareConflict(t, { ours: notUtf8 });
  const kind = "failed-precondition";
  for (const [changes, message] of [
    [{ ourCommitOid: "missing" }, "could not lookup 'our' OID: reference not found"],
    [{ theirCommitOid: "missing" }, "could not lookup 'their' OID: reference not found"],
    [{}, "unsupported encoding"],
  ] as const) {
    await assert.rejects(list(scene, changes), { kind, message });
  }
  assert.deepEqual(scene.server.leftovers(), []);
});

test("listConflictFiles refuses requests that say too little", async (t) => {
  const scene = await prepareConflict(t);
  const kind = "invalid-argument";
  await assert.rejects(list(scene, { ourCommitOid: "" }), { kind, message: "empty OurCommitOid" });
  const message = "empty TheirCommitOid";
  await assert.rejects(list(scene, { theirCommitOid: "" }), { kind, message });
  const client = scene.server.client(ConflictsService);
  await assertRepositoryErrors((address) =>
    client.listConflictFiles({ ...(address && { repository: address }) }),
  );
});
