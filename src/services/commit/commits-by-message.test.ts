import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { CommitService, type CommitsByMessageRequestSchema } from "../../proto/commit_pb.ts";
import { addBranchingHistory } from "../../testing/branching-history.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

type Request = Exclude<
  MessageInitShape<typeof CommitsByMessageRequestSchema>,
  { $typeName: string }
>;

test("commitsByMessage finds commits whose message matches", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address, ...repository } = server.repository();
  const commits = addBranchingHistory(repository);
  const list = async (query: string, request: Request = {}): Promise<number[]> => {
    const replies = client.commitsByMessage({ ...request, query, repository: address });
    const found = (await collect(replies)).flatMap((reply) => reply.commits);
    return found.map(({ id }) => commits.indexOf(id));
  };
  assert.deepEqual(await list("COMMIT [1-3]"), [3, 2, 1]);
  const all = repository.gitLines(["log", "--format=%H"]).map((oid) => commits.indexOf(oid));
  assert.deepEqual(await list("commit"), all);
  assert.deepEqual(await list("commit", { limit: 2 }), all.slice(0, 2));
  assert.deepEqual(await list("commit", { limit: 2, offset: 1 }), all.slice(1, 3));
  assert.deepEqual(await list("commit", { revision: Buffer.from("side") }), [5, 3, 2, 1, 0]);
  assert.deepEqual(await list("commit", { revision: Buffer.from("missing") }), []);
  const files = { path: Buffer.from("f*"), revision: Buffer.from("side") };
  assert.deepEqual(await list("commit", files), [5, 3, 1]);
  assert.deepEqual(
    await list("commit", { ...files, globalOptions: { literalPathspecs: true } }),
    [],
  );
  assert.deepEqual(await list("none"), []);
});

test("commitsByMessage finds nothing in an empty repository", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository } = server.repository();
  assert.deepEqual(await collect(client.commitsByMessage({ repository, query: "x" })), []);
});

test("commitsByMessage refuses invalid requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository } = server.repository();
  const cases: readonly [Request, string][] = [
    [{}, "empty Query"],
    [{ query: "x", revision: Buffer.from("--output=/meow") }, "revision can't start with '-'"],
  ];
  for (const [request, message] of cases) {
    await assert.rejects(collect(client.commitsByMessage({ ...request, repository })), {
      kind: "invalid-argument",
      message,
    });
  }
  await assertRepositoryErrors((address) =>
    client.commitsByMessage({ query: "x", ...(address && { repository: address }) }),
  );
});
