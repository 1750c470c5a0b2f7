import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { CustomHookError_HookType } from "../../proto/errors_pb.ts";
import { UserCreateBranchErrorSchema } from "../../proto/operations_pb.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { writeCustomHook } from "../../testing/custom-hook.ts";
import {
  errorDetail,
  failureOf,
  startOperationServer,
  TEST_USER,
} from "../../testing/operation-server.ts";
import { eventually } from "../../testing/processes.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { writeCommit } from "../../testing/test-commits.ts";

const MAIN = "refs/heads/main";

for (const format of ["sha1", "sha256"] as const) {
  test(`userCreateBranch makes branches of ${format} with any name below refs/heads/`, async (t) => {
    const server = await startOperationServer(t);
    const repository = server.repository({ format });
    const commit = writeCommit(repository, { ref: MAIN });
    repository.git(["tag", "-a", "-m", "release", "v1", commit]);
    for (const [name, startPoint] of [
      ["new-branch", commit],
      ["heads/new-branch", "main"],
      ["refs/heads/new-branch", MAIN],
      ["from-tag", "v1"],
    ] as const) {
      const { branch } = await server.operations.userCreateBranch({
        repository: server.address(repository),
        user: TEST_USER,
        branchName: Buffer.from(name),
        startPoint: Buffer.from(startPoint),
      });
      assert.equal(Buffer.from(branch?.name ?? []).toString(), name);
      assert.equal(branch?.targetCommit?.id, commit);
      assert.equal(repository.gitLine(["rev-parse", `refs/heads/${name}`]), commit);
    }
    assert.deepEqual(server.leftovers(), []);
  });
}

test("userCreateBranch shows people as the mailmap of HEAD says", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const mailmap = "Proper Name <committer@example.com>\n";
  const commit = commitFiles(repository, { ".mailmap": mailmap });
  repository.git(["update-ref", MAIN, commit]);
  const { branch } = await server.operations.userCreateBranch({
    repository: server.address(repository),
    user: TEST_USER,
    branchName: Buffer.from("new"),
    startPoint: Buffer.from("main"),
  });
  const { author, committer } = branch?.targetCommit ?? {};
  for (const person of [author, committer]) {
    assert.equal(Buffer.from(person?.name ?? []).toString(), "Proper Name");
  }
});

test("userCreateBranch can't make a branch whose name has a NUL or two lines", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: MAIN });
  for (const name of ["a\0b", "a\nb"]) {
    const call = server.operations.userCreateBranch({
      repository: server.address(repository),
      user: TEST_USER,
      branchName: Buffer.from(name),
      startPoint: Buffer.from("main"),
    });
    const message = "reference update: exit status 128";
    await assert.rejects(call, { kind: "failed-precondition", message });
  }
  assert.deepEqual(repository.gitLines(["for-each-ref", "--format=%(refname)"]), [MAIN]);
});

test("userCreateBranch tells GitLab and custom hooks who makes which branch", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: MAIN });
  const folder = repository.path;
  for (const hook of ["pre-receive", "update", "post-receive"]) {
    const script = `{ echo "$@"; cat; echo $GL_ID $GL_USERNAME $GL_PROTOCOL; } >${folder}/${hook}.log`;
    writeCustomHook(repository.path, hook, script);
  }
  const repositoryAddress = server.address(repository);
  await server.operations.userCreateBranch({
    repository: repositoryAddress,
    user: TEST_USER,
    branchName: Buffer.from("new"),
    startPoint: Buffer.from("main"),
  });
  const zero = "0".repeat(40);
  const change = `${zero} ${commit} refs/heads/new`;
  const user = "user-123 janedoe web\n";
  const log = (hook: string) => readFileSync(`${folder}/${hook}.log`, "utf8");
  assert.equal(log("pre-receive"), `\n${change}\n${user}`);
  assert.equal(log("update"), `refs/heads/new ${zero} ${commit}\n${user}`);
  assert.equal(log("post-receive"), `\n${change}\n${user}`);
  const [allowed, ...others] = server.gitlab.received;
  assert.match(JSON.stringify(allowed?.body), /"changes":"0{40} [0-9a-f]{40} refs\/heads\/new\\n"/);
  assert.deepEqual(
    others.map(({ url }) => url?.split("/").at(-1)),
    ["pre_receive", "post_receive"],
  );
});

test("userCreateBranch passes on what a custom hook says when it refuses", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: MAIN });
  for (const [hook, hookType] of [
    ["pre-receive", CustomHookError_HookType.PRERECEIVE],
    ["update", CustomHookError_HookType.UPDATE],
  ] as const) {
    writeCustomHook(repository.path, hook, "echo to stdout; echo GL_ID=$GL_ID >&2; exit 1");
    const call = server.operations.userCreateBranch({
      repository: server.address(repository),
      user: TEST_USER,
      branchName: Buffer.from("new"),
      startPoint: Buffer.from("main"),
    });
    const error = await failureOf(call);
    assert(error instanceof Error && "kind" in error);
    assert.equal(error.kind, "permission-denied");
    assert.equal(
      error.message,
      `creation denied by custom hooks: running ${hook} hooks: GL_ID=user-123\n`,
    );
    const detail = errorDetail(error, UserCreateBranchErrorSchema).error;
    assert(detail.case === "customHook");
    assert.equal(detail.value.hookType, hookType);
    assert.equal(Buffer.from(detail.value.stdout).toString(), "to stdout\n");
    assert.equal(Buffer.from(detail.value.stderr).toString(), "GL_ID=user-123\n");
    assert.deepEqual(repository.gitLines(["for-each-ref", "--format=%(refname)"]), [MAIN]);
    writeCustomHook(repository.path, hook, "exit 0");
  }
  assert.deepEqual(server.leftovers(), []);
});

test("userCreateBranch doesn't undo a branch because post-receive fails", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: MAIN });
  writeCustomHook(repository.path, "post-receive", "exit 1");
  await server.operations.userCreateBranch({
    repository: server.address(repository),
    user: TEST_USER,
    branchName: Buffer.from("new"),
    startPoint: Buffer.from("main"),
  });
  assert.equal(repository.gitLine(["rev-parse", "new"]), commit);
});

test("userCreateBranch says why a branch can't be made", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: MAIN });
  const tree = repository.gitLine(["rev-parse", "main^{tree}"]);
  for (const [branchName, startPoint, kind, message] of [
    ["main", "main", "failed-precondition", "reference update: reference already exists"],
    ["main/sub", "main", "failed-precondition", "reference update: file directory conflict"],
    ["new", "missing", "failed-precondition", "revspec 'missing' not found"],
    ["new", tree, "failed-precondition", `revspec '${tree}' not found`],
  ] as const) {
    const call = server.operations.userCreateBranch({
      repository: server.address(repository),
      user: TEST_USER,
      branchName: Buffer.from(branchName),
      startPoint: Buffer.from(startPoint),
    });
    await assert.rejects(call, { kind, message });
  }
  assert.equal(repository.gitLine(["rev-parse", "main"]), commit);
  assert.deepEqual(server.leftovers(), []);
});

test("userCreateBranch refuses what GitLab refuses", async (t) => {
  const body = '{"status":false,"message":"no way"}';
  const server = await startOperationServer(t, { allowed: { status: 401, body } });
  const repository = server.repository();
  writeCommit(repository, { ref: MAIN });
  const call = server.operations.userCreateBranch({
    repository: server.address(repository),
    user: TEST_USER,
    branchName: Buffer.from("new"),
    startPoint: Buffer.from("main"),
  });
  const message = "running pre-receive hooks: GitLab: no way";
  await assert.rejects(call, { kind: "internal", message });
  assert.deepEqual(repository.gitLines(["for-each-ref", "--format=%(refname)"]), [MAIN]);
});

test("userCreateBranch tells that GitLab is asked too often", async (t) => {
  const server = await startOperationServer(t, { allowed: { status: 429 } });
  const repository = server.repository();
  writeCommit(repository, { ref: MAIN });
  const call = server.operations.userCreateBranch({
    repository: server.address(repository),
    user: TEST_USER,
    branchName: Buffer.from("new"),
    startPoint: Buffer.from("main"),
  });
  const message = "running pre-receive hooks: GitLab: rate limited";
  await assert.rejects(call, { kind: "resource-exhausted", message });
});

test("userCreateBranch refuses requests that say too little", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.address(server.repository());
  const [branchName, startPoint] = [Buffer.from("new"), Buffer.from("main")];
  for (const [request, message] of [
    [{ repository, user: TEST_USER, startPoint }, "empty branch name"],
    [{ repository, branchName, startPoint }, "empty user"],
    [{ repository, user: TEST_USER, branchName }, "empty start point"],
  ] as const) {
    const call = server.operations.userCreateBranch(request);
    await assert.rejects(call, { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((address) =>
    server.operations.userCreateBranch({
      ...(address && { repository: address }),
      user: TEST_USER,
      branchName,
      startPoint,
    }),
  );
});

test("userCreateBranch lets one of two calls for the same branch win", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: MAIN });
  const request = {
    repository: server.address(repository),
    user: TEST_USER,
    branchName: Buffer.from("new"),
    startPoint: Buffer.from("main"),
  };
  const calls = [1, 2, 3, 4].map(() => server.operations.userCreateBranch(request));
  const outcomes = await Promise.allSettled(calls);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") assert.equal(outcome.reason.kind, "failed-precondition");
  }
  assert.deepEqual(server.leftovers(), []);
});

test("userCreateBranch changes nothing when it is cancelled while a hook runs", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: MAIN });
  writeCustomHook(repository.path, "pre-receive", `echo > ${repository.path}/began; sleep 1000`);
  const controller = new AbortController();
  const call = server.operations.userCreateBranch(
    {
      repository: server.address(repository),
      user: TEST_USER,
      branchName: Buffer.from("new"),
      startPoint: Buffer.from("main"),
    },
    { signal: controller.signal },
  );
  await eventually("the hook runs", 60_000, () => existsSync(`${repository.path}/began`));
  controller.abort();
  await assert.rejects(call);
  await eventually("nothing is left", 60_000, () => server.leftovers().length === 0);
  assert.deepEqual(repository.gitLines(["for-each-ref", "--format=%(refname)"]), [MAIN]);
});
