import assert from "node:assert/strict";
import { test } from "node:test";
import { CommitService } from "../../proto/commit_pb.ts";
import { changeFiles } from "../../testing/change-files.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("getCommitMessages streams whole messages in the order of the request", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    const long = `subject\n\n${"x".repeat(300_000)}`;
    const one = changeFiles(
      repository,
      {},
      { message: Buffer.from("caf\xe9\n\n\nbody", "latin1") },
    );
    const two = changeFiles(repository, {}, { message: long });
    const three = changeFiles(repository, {}, { message: "" });
    const commitIds = [two, one, three, "main~1", one.slice(0, 10)];
    const request = { repository: repository.address, commitIds };
    const messages: [string, string][] = [];
    for (const { commitId, message } of await collect(client.getCommitMessages(request))) {
      assert.ok(commitId === "" || message.length === 0);
      assert.ok(message.length <= 128 * 1024);
      if (commitId !== "") messages.push([commitId, ""]);
      const last = messages.at(-1);
      if (last !== undefined) last[1] += Buffer.from(message).toString("latin1");
    }
    const expected = [long, "caf\xe9\n\n\nbody", "", long, "caf\xe9\n\n\nbody"];
    assert.deepEqual(
      messages,
      commitIds.map((commitId, index) => [commitId, expected[index]]),
    );
    assert.deepEqual(
      await collect(client.getCommitMessages({ repository: repository.address })),
      [],
    );
  }
});

test("getCommitMessages ends at the first commit that is missing", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const repository = server.repository();
  const commit = changeFiles(repository, {});
  for (const missing of ["1".repeat(40), "", "main^{tree}", "nothing"]) {
    const request = { repository: repository.address, commitIds: [commit, missing] };
    const replies = client.getCommitMessages(request);
    assert.equal((await replies.next()).value?.commitId, commit);
    await assert.rejects(collect(replies), {
      kind: "internal",
      message: "failed to get commit message: object not found",
    });
  }
});

test("getCommitMessages needs a repository, and stops when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  await assertRepositoryErrors((address) =>
    client.getCommitMessages({ ...(address && { repository: address }) }),
  );
  const repository = server.repository();
  const commit = changeFiles(repository, {}, { message: "x".repeat(1_000_000) });
  const gone = new AbortController();
  const request = {
    repository: repository.address,
    commitIds: Array.from({ length: 200 }, () => commit),
  };
  const replies = client.getCommitMessages(request, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
