import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  CommitService,
  type FindAllCommitsRequestSchema,
  FindAllCommitsRequest_Order as Order,
} from "../../proto/commit_pb.ts";
import { addBranchingHistory } from "../../testing/branching-history.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

type Request = Exclude<MessageInitShape<typeof FindAllCommitsRequestSchema>, { $typeName: string }>;

test("findAllCommits lists what git log lists", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  for (const format of ["sha1", "sha256"] as const) {
    const { address, gitLines, ...repository } = server.repository({ format });
    const list = async (request: Request): Promise<string[]> => {
      const replies = await collect(client.findAllCommits({ ...request, repository: address }));
      return replies.flatMap(({ commits }) => commits.map(({ id }) => id));
    };
    assert.deepEqual(await list({}), []);
    addBranchingHistory({ ...repository, gitLines });
    const cases: readonly [Request, flags: string[]][] = [
      [{}, []],
      [{ order: Order.TOPO }, ["--topo-order"]],
      [{ order: Order.DATE }, ["--date-order"]],
      [{ maxCount: 3 }, ["--max-count=3"]],
      [{ skip: 2 }, ["--skip=2"]],
      [{ maxCount: 2, skip: 3, order: Order.TOPO }, ["--max-count=2", "--skip=3", "--topo-order"]],
    ];
    const branches = ["refs/heads/main", "refs/heads/side"];
    for (const [request, flags] of cases) {
      const log = (revisions: string[]): string[] =>
        gitLines(["log", "--format=%H", ...flags, ...revisions]);
      assert.deepEqual(await list(request), log(branches));
      for (const revision of ["side", "side..main", "annotated", "@{0}"]) {
        const one = { ...request, revision: Buffer.from(revision) };
        assert.deepEqual(await list(one), log([revision]), revision);
      }
    }
    assert.deepEqual(await list({ revision: Buffer.from("missing") }), []);
  }
});

test("findAllCommits refuses invalid requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository } = server.repository();
  const revision = Buffer.from("--output=/meow");
  await assert.rejects(collect(client.findAllCommits({ repository, revision })), {
    kind: "invalid-argument",
    message: "revision can't start with '-'",
  });
  await assertRepositoryErrors((address) =>
    client.findAllCommits({ ...(address && { repository: address }) }),
  );
});
