import assert from "node:assert/strict";
import { test } from "node:test";
import { DiffService } from "../../proto/diff_pb.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("rawDiff streams what git prints", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    const leftCommitId = commitFiles(repository, { file: "old\n", "\xff": "a" });
    const rightCommitId = commitFiles(repository, {
      file: "new\n",
      large: "line\n".repeat(100_000),
      binary: { mode: "100644", content: Buffer.of(0, 255) },
    });
    const request = { repository: repository.address, leftCommitId, rightCommitId };
    const replies = await collect(client.rawDiff(request));
    const expected = repository.git(["diff", "--full-index", leftCommitId, rightCommitId]);
    assert.ok(Buffer.concat(replies.map(({ data }) => data)).equals(expected));
    assert.ok(replies.every(({ data }) => data.length <= 128 * 1024));
    assert.deepEqual(
      await collect(client.rawDiff({ ...request, rightCommitId: leftCommitId })),
      [],
    );
  }
});

test("rawDiff refuses incomplete requests and unknown commits", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const { address: repository } = server.repository();
  const cases = [
    ["", "main", "invalid-argument", "empty LeftCommitId"],
    ["main", "", "invalid-argument", "empty RightCommitId"],
    ["main", "main", "internal", "cmd: exit status 128"],
    [
      "-x",
      "main",
      "internal",
      "cmd: positional arg \"-x\" cannot start with dash '-': invalid argument",
    ],
  ] as const;
  for (const [leftCommitId, rightCommitId, kind, message] of cases) {
    const replies = client.rawDiff({ repository, leftCommitId, rightCommitId });
    await assert.rejects(collect(replies), { kind, message });
  }
  await assertRepositoryErrors((address) =>
    client.rawDiff({ ...(address && { repository: address }) }),
  );
});

test("rawDiff ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const leftCommitId = commitFiles(repository, {});
  const rightCommitId = commitFiles(repository, { large: "line\n".repeat(4_000_000) });
  const gone = new AbortController();
  const request = { repository: repository.address, leftCommitId, rightCommitId };
  const replies = client.rawDiff(request, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
