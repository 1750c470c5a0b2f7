import assert from "node:assert/strict";
import { test } from "node:test";
import { CommitService } from "../../proto/commit_pb.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("objects are also read from alternates that only the request names", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const other = server.repository();
  const commit = writeCommit(other);
  const commits = server.client(CommitService);
  const find = (gitAlternateObjectDirectories: string[]) =>
    commits.findCommit({
      repository: { ...repository.address, gitAlternateObjectDirectories },
      revision: Buffer.from(commit),
    });
  assert.equal((await find([`../${other.address.relativePath}/objects`])).commit?.id, commit);
  assert.equal((await find([])).commit, undefined);
});
