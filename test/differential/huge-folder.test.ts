import assert from "node:assert/strict";
import { test } from "node:test";
import { CommitService } from "../../src/proto/commit_pb.ts";
import { DiffService } from "../../src/proto/diff_pb.ts";
import { collect } from "../../src/testing/repository-errors.ts";
import { startTestServer } from "../../src/testing/test-server.ts";

const ENTRIES = 100_000;
const CHANGED = 54_321;

test("a folder with 100,000 files is read as git reads it", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const hash = (input: string): string =>
    repository.gitLine(["hash-object", "-w", "--stdin"], { input });
  const [one, other] = [hash("one"), hash("other")];
  const commit = (changed: number | undefined): string => {
    const lines = Array.from(
      { length: ENTRIES },
      (_, index) => `100644 blob ${index === changed ? other : one}\tfile-${index}\n`,
    );
    const folder = repository.gitLine(["mktree"], { input: lines.join("") });
    const root = repository.gitLine(["mktree"], { input: `040000 tree ${folder}\tfolder\n` });
    return repository.gitLine(["commit-tree", root, "-m", "message"]);
  };
  const [before, after] = [commit(undefined), commit(CHANGED)];
  const commits = server.client(CommitService);
  const request = { repository: repository.address, revision: Buffer.from(after) };
  const paths: string[] = [];
  for await (const reply of commits.listFiles(request)) {
    for (const path of reply.paths) paths.push(Buffer.from(path).toString());
  }
  assert.deepEqual(paths, repository.gitLines(["ls-tree", "-r", "--name-only", after]));
  const entries: string[] = [];
  for await (const reply of commits.getTreeEntries({
    ...request,
    path: Buffer.from("folder"),
  })) {
    for (const { oid, path } of reply.entries) {
      entries.push(`100644 blob ${oid}\t${Buffer.from(path).toString()}`);
    }
  }
  assert.deepEqual(entries, repository.gitLines(["ls-tree", "-r", after]));
  const commitsToCompare = { leftCommitId: before, rightCommitId: after };
  const deltas = await collect(
    server.client(DiffService).commitDelta({ repository: repository.address, ...commitsToCompare }),
  );
  const changed = deltas.flatMap((reply) => reply.deltas);
  assert.deepEqual(
    changed.map(({ fromPath, fromId, toId }) => [Buffer.from(fromPath).toString(), fromId, toId]),
    [[`folder/file-${CHANGED}`, one, other]],
  );
});
