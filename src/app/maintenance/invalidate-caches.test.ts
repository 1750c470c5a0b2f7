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

test("others learn which repository a call changes, while it runs and afterwards", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: MAIN });
  const address = server.address(repository);
  const state = join(server.storagePath, "+gitaly/state", address.relativePath);
  const keep = (): void =>
    writeFileSync(join(state, "latest"), "the generation of another process");
  mkdirSync(state, { recursive: true });
  keep();
  await server.client(RefService).refExists({ repository: address, ref: Buffer.from(MAIN) });
  await server.client(RepositoryService).optimizeRepository({ repository: address });
  assert.deepEqual(readdirSync(state), ["latest"]);

  const log = join(dirname(repository.path), "seen");
  writeCustomHook(repository.path, "update", `ls ${state} ${state}/pending >${log}`);
  const [branchName, startPoint] = [Buffer.from("new"), Buffer.from("main")];
  const branch = { repository: address, user: TEST_USER, branchName, startPoint };
  await server.operations.userCreateBranch(branch);
  assert.match(readFileSync(log, "utf8"), /^\S+:\npending\n\n\S+\/pending:\n\d+\n$/);
  assert.deepEqual(readdirSync(state), ["pending"]);
  assert.deepEqual(readdirSync(join(state, "pending")), []);

  // The first message of a stream tells of the repository; that the call fails changes nothing.
  keep();
  const header = { repository: address, user: TEST_USER, branchName: Buffer.from("main") };
  const call = server.operations.userCommitFiles([commitHeader(header)]);
  await assert.rejects(call, /empty CommitMessage/);
  assert.equal(existsSync(join(state, "latest")), false);
  assert.deepEqual(readdirSync(join(state, "pending")), []);
});

test("a call goes on when nobody can be told of it", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: MAIN });
  mkdirSync(join(server.storagePath, "+gitaly/state"), { recursive: true });
  writeFileSync(join(server.storagePath, "+gitaly/state", repository.address.relativePath), "");
  const ref = Buffer.from("refs/heads/new");
  const request = { repository: repository.address, ref, revision: Buffer.from(commit) };
  await server.client(RepositoryService).writeRef(request);
  assert.equal(repository.gitLine(["rev-parse", "new"]), commit);
});
