import assert from "node:assert/strict";
import { test } from "node:test";
import { DiffService } from "../../proto/diff_pb.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("diffStats counts the lines that have changed", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    const moved = "a text that nothing else has\nand that tells\na rename\nfrom other changes\n";
    const leftCommitId = commitFiles(repository, {
      binary: { mode: "100644", content: Buffer.of(0, 1) },
      changed: "a\nb\nc\n",
      gone: "gone\n",
      "from\t\xff": moved,
    });
    const rightCommitId = commitFiles(repository, {
      binary: { mode: "100644", content: Buffer.of(0, 2) },
      changed: "a\nx\ny\nc\n",
      new: "new",
      to: `${moved}more\n`,
    });
    const request = { repository: repository.address, leftCommitId, rightCommitId };
    const replies = await collect(client.diffStats(request));
    const stats = replies
      .flatMap((reply) => reply.stats)
      .map(({ path, oldPath, additions, deletions }) => [
        Buffer.from(path).toString("latin1"),
        Buffer.from(oldPath).toString("latin1"),
        additions,
        deletions,
      ]);
    assert.deepEqual(stats, [
      ["binary", "", 0, 0],
      ["changed", "", 2, 1],
      ["gone", "", 0, 1],
      ["new", "", 1, 0],
      ["to", "from\t\xff", 1, 0],
    ]);
  }
});

test("diffStats puts 1,000 files into each reply", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const names = Array.from({ length: 2000 }, (_, index) => `file-${index}`);
  const leftCommitId = commitFiles(repository, {});
  const all = commitFiles(repository, Object.fromEntries(names.map((name) => [name, "\n"])));
  const most = commitFiles(
    repository,
    Object.fromEntries(names.slice(0, 1001).map((name) => [name, "\n"])),
  );
  const counts = async (rightCommitId: string): Promise<number[]> => {
    const request = { repository: repository.address, leftCommitId, rightCommitId };
    return (await collect(client.diffStats(request))).map(({ stats }) => stats.length);
  };
  assert.deepEqual(await counts(all), [1000, 1000]);
  assert.deepEqual(await counts(most), [1000, 1]);
  assert.deepEqual(await counts(leftCommitId), []);
});

test("diffStats refuses incomplete requests and unknown commits", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const { address: repository } = server.repository();
  const cases = [
    ["", "main", "invalid-argument", "empty LeftCommitId"],
    ["main", "", "invalid-argument", "empty RightCommitId"],
    ["1".repeat(40), "1".repeat(40), "failed-precondition", "exit status 128"],
    ["main", "invalid", "failed-precondition", "exit status 128"],
    [
      "main",
      "-x",
      "internal",
      "cmd: positional arg \"-x\" cannot start with dash '-': invalid argument",
    ],
  ] as const;
  for (const [leftCommitId, rightCommitId, kind, message] of cases) {
    const replies = client.diffStats({ repository, leftCommitId, rightCommitId });
    await assert.rejects(collect(replies), { kind, message });
  }
  await assertRepositoryErrors((address) =>
    client.diffStats({ ...(address && { repository: address }) }),
  );
});

test("diffStats ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const names = Array.from({ length: 20_000 }, (_, index) => `file-${index}-${"x".repeat(100)}`);
  const leftCommitId = commitFiles(repository, {});
  const files = Object.fromEntries(names.map((name) => [name, ""]));
  const rightCommitId = commitFiles(repository, files);
  const request = { repository: repository.address, leftCommitId, rightCommitId };
  const gone = new AbortController();
  const replies = client.diffStats(request, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
