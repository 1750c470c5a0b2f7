import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { RefService } from "../../proto/ref_pb.ts";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { commitHeader } from "../../testing/commit-actions.ts";
import { writeCustomHook } from "../../testing/custom-hook.ts";
import { startOperationServer, TEST_USER } from "../../testing/operation-server.ts";
import { writeCommit } from "../../testing/test-commits.ts";

const MAIN = "refs/heads/main";

test("a call that changes a repository is told of while it runs, and begins a generation", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: MAIN });
  const address = server.address(repository);
  const state = join(server.storagePath, "+gitaly/state", address.relativePath);
  const read = server.client(RefService);
  await read.refExists({ repository: address, ref: Buffer.from(MAIN) });
  assert.equal(existsSync(state), false);

  const log = join(dirname(repository.path), "seen");
  writeCustomHook(repository.path, "update", `ls ${state} ${state}/pending >${log}`);
  const branchName = Buffer.from("new");
  const startPoint = Buffer.from("main");
  await server.operations.userCreateBranch({
    repository: address,
    user: TEST_USER,
    branchName,
    startPoint,
  });
  assert.match(readFileSync(log, "utf8"), /^\S+:\npending\n\n\S+\/pending:\n\d+\n$/);
  const generation = (): string => readFileSync(join(state, "latest"), "utf8");
  const first = generation();
  assert.equal(first.length, 36);
  assert.deepEqual(readdirSync(join(state, "pending")), []);

  // The first message of a stream tells of the repository; that the call fails changes nothing.
  const header = { repository: address, user: TEST_USER, branchName: Buffer.from("main") };
  await assert.rejects(
    server.operations.userCommitFiles([commitHeader(header)]),
    /empty CommitMessage/,
  );
  const second = generation();
  assert.notEqual(second, first);
  assert.deepEqual(readdirSync(join(state, "pending")), []);

  const repositories = server.client(RepositoryService);
  await repositories.optimizeRepository({ repository: address });
  assert.equal(generation(), second);
});

test("a call goes on when nobody can be told of it", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: MAIN });
  mkdirSync(join(server.storagePath, "+gitaly"));
  writeFileSync(join(server.storagePath, "+gitaly/state"), "in the way");
  const ref = Buffer.from("refs/heads/new");
  const request = { repository: repository.address, ref, revision: Buffer.from(commit) };
  await server.client(RepositoryService).writeRef(request);
  assert.equal(repository.gitLine(["rev-parse", "new"]), commit);
});
