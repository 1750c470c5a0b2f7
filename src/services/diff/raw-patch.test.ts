import assert from "node:assert/strict";
import { test } from "node:test";
import { DiffService } from "../../proto/diff_pb.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("rawPatch streams commits as e-mails", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    const leftCommitId = commitFiles(repository, { file: "old\n" });
    const middle = commitFiles(repository, { file: "new\n" }, [leftCommitId]);
    const rightCommitId = commitFiles(repository, { file: "newer\n" }, [middle]);
    const request = { repository: repository.address, leftCommitId, rightCommitId };
    const replies = await collect(client.rawPatch(request));
    const text = Buffer.concat(replies.map(({ data }) => data)).toString();
    const range = `${leftCommitId}..${rightCommitId}`;
    const flags = ["--stdout", "--signature", "GitLab"];
    assert.equal(text, repository.git(["format-patch", ...flags, range]).toString());
    assert.match(text, /^From [0-9a-f]+ Mon Sep 17 00:00:00 2001\nFrom: C O Mitter/);
    assert.match(text, /\n-- \nGitLab\n\n$/);
    assert.deepEqual(
      await collect(client.rawPatch({ ...request, leftCommitId: rightCommitId })),
      [],
    );
  }
});

test("rawPatch refuses incomplete requests and unknown commits", async (t) => {
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
      "cmd: positional arg \"-x..main\" cannot start with dash '-': invalid argument",
    ],
  ] as const;
  for (const [leftCommitId, rightCommitId, kind, message] of cases) {
    const replies = client.rawPatch({ repository, leftCommitId, rightCommitId });
    await assert.rejects(collect(replies), { kind, message });
  }
  await assertRepositoryErrors((address) =>
    client.rawPatch({ ...(address && { repository: address }) }),
  );
});

test("rawPatch ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const leftCommitId = commitFiles(repository, {});
  const files = { large: "line\n".repeat(4_000_000) };
  const rightCommitId = commitFiles(repository, files, [leftCommitId]);
  const gone = new AbortController();
  const request = { repository: repository.address, leftCommitId, rightCommitId };
  const replies = client.rawPatch(request, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
