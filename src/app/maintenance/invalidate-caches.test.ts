import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { RefService } from "../../proto/ref_pb.ts";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { commitHeader } from "../../testing/commit-actions.ts";
import { writeCustomHook } from "../../testing/custom-hook.ts";
import { startOperationServer, TEST_USER } from "../../testing/operation-server.ts";
import { writeCommit } from "../../testing/test-commits.ts";

const MAIN = "refs/heads/main";

/** Puts files below a storage's data folder, which isn't there yet, all of them at once. */
function fill(storagePath: string, names: readonly string[]): void {
  const prepared = join(storagePath, "prepared");
  for (const name of names) {
    const path = join(prepared, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "");
  }
  renameSync(prepared, join(storagePath, "+gitaly"));
}

test("others learn which repository a call changes, while it runs and afterwards", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: MAIN });
  const address = server.address(repository);
  const state = join(server.storagePath, "+gitaly/state", address.relativePath);
  // As long as there is another file, nobody takes the folder for empty and removes it.
  const names = ["latest", "other", "pending/1"];
  fill(server.storagePath, [
    "cache/3a/4f",
    ...names.map((name) => `state/${address.relativePath}/${name}`),
  ]);
  await server.client(RefService).refExists({ repository: address, ref: Buffer.from(MAIN) });
  await server.client(RepositoryService).optimizeRepository({ repository: address });
  assert.equal(existsSync(join(state, "latest")), true);

  const log = join(dirname(repository.path), "seen");
  writeCustomHook(repository.path, "update", `ls ${state} ${state}/pending >${log}`);
  const [branchName, startPoint] = [Buffer.from("new"), Buffer.from("main")];
  const branch = { repository: address, user: TEST_USER, branchName, startPoint };
  await server.operations.userCreateBranch(branch);
  assert.match(readFileSync(log, "utf8"), /^\S+:\nother\npending\n\n\S+:\n1\n\d{2,}\n$/);
  assert.deepEqual(readdirSync(state).sort(), ["other", "pending"]);
  assert.deepEqual(readdirSync(join(state, "pending")), ["1"]);

  // The first message of a stream tells of the repository; that the call fails changes nothing.
  writeFileSync(join(state, "latest"), "");
  const header = { repository: address, user: TEST_USER, branchName: Buffer.from("main") };
  const call = server.operations.userCommitFiles([commitHeader(header)]);
  await assert.rejects(call, /empty CommitMessage/);
  assert.deepEqual(readdirSync(state).sort(), ["other", "pending"]);
  assert.deepEqual(readdirSync(join(state, "pending")), ["1"]);
});

test("a call goes on when nobody can be told of it", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: MAIN });
  fill(server.storagePath, ["cache/3a/4f", "state"]);
  const ref = Buffer.from("refs/heads/new");
  const request = { repository: repository.address, ref, revision: Buffer.from(commit) };
  await server.client(RepositoryService).writeRef(request);
  assert.equal(repository.gitLine(["rev-parse", "new"]), commit);
});
