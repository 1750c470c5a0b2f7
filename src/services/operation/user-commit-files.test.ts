import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CustomHookError_HookType } from "../../proto/errors_pb.ts";
import { UserCommitFilesErrorSchema } from "../../proto/operations_pb.ts";
import {
  type CommitFilesMessage,
  commitAction,
  commitHeader,
  createFile,
  updateFile,
} from "../../testing/commit-actions.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import {
  base,
  repositoryForCommits,
  startCommitFilesServer,
} from "../../testing/commit-files-server.ts";
import { writeCustomHook } from "../../testing/custom-hook.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { openpgpKey } from "../../testing/openpgp-key.ts";
import {
  errorDetail,
  failureOf,
  startOperationServer,
  TEST_USER,
} from "../../testing/operation-server.ts";
import { eventually } from "../../testing/processes.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { gitSettings } from "../../testing/test-settings.ts";

const AUTHOR = {
  commitAuthorName: Buffer.from(" Author Name\n"),
  commitAuthorEmail: Buffer.from("author.email@example.com\u00a0"),
};

for (const [format, oid] of [
  ["sha1", "23ec4ccd7fcc6ecf39431805bbff1cbcb6c23b9d"],
  ["sha256", "0ab6f5df19cb4387f5b1bdac29ea497e12ad4ebd6c50c0a6ade01c75d2f5c5ad"],
] as const) {
  test(`userCommitFiles makes the commit that Gitaly makes (${format})`, async (t) => {
    const { commit } = await startCommitFilesServer(t, { format });
    const timestamp = { seconds: 12_345n, nanos: 0 };
    const user = { ...TEST_USER, email: Buffer.from("janedoe@gitlab.com") };
    const { branchUpdate } = await commit({ ...AUTHOR, timestamp, user });
    assert.deepEqual(
      { ...branchUpdate },
      { ...branchUpdate, commitId: oid, repoCreated: true, branchCreated: true },
    );
  });
}

test("userCommitFiles takes the branch as it is for the parent", async (t) => {
  const { repository, commit } = await startCommitFilesServer(t);
  const tip = base(repository, "refs/heads/main");
  const { branchUpdate } = await commit();
  assert.equal(branchUpdate?.branchCreated || branchUpdate?.repoCreated, false);
  assert.deepEqual(repository.gitLines(["log", "-1", "--format=%H %P %an <%ae> %cn %s", "main"]), [
    `${branchUpdate?.commitId} ${tip} Jane Doe <janedoe@gitlab.com> Jane Doe commit message`,
  ]);
});

test("userCommitFiles changes the branch only when it holds what is expected", async (t) => {
  const { repository, commit } = await startCommitFilesServer(t);
  const tip = base(repository, "refs/heads/main");
  const other = commitFiles(repository, { other: "x" });
  const zero = "0".repeat(40);
  const id = 'invalid object ID: "foobar", expected length 40, got 6';
  for (const [expectedOldOid, kind, message] of [
    ["foobar", "invalid-argument", `invalid expected old object ID: ${id}`],
    [
      "1".repeat(40),
      "invalid-argument",
      "cannot resolve expected old object ID: reference not found",
    ],
    [zero, "failed-precondition", "reference update: reference already exists"],
    [other, "failed-precondition", "reference update: reference does not point to expected object"],
  ] as const) {
    await assert.rejects(commit({ expectedOldOid }), { kind, message });
  }
  assert.equal(repository.gitLine(["rev-parse", "main"]), tip);
  await commit({ expectedOldOid: tip });
  const { branchUpdate } = await commit({ expectedOldOid: zero, branchName: Buffer.from("new") });
  assert.equal(branchUpdate?.branchCreated, true);
});

test("userCommitFiles cleans up who it is by", async (t) => {
  const { repository, commit } = await startCommitFilesServer(t);
  for (const [name, email] of [
    [",:;<>\"'\nJane Doe,:;<>'\"\n", ",:;<>'\"\njanedoe@gitlab.com,:;<>'\"\n"],
    ["Ja<ne\n D>oe", "ja<ne\ndoe>@gitlab.com"],
  ] as const) {
    const user = { ...TEST_USER, name: Buffer.from(name), email: Buffer.from(email) };
    const author = { commitAuthorName: user.name, commitAuthorEmail: user.email };
    await commit({ user, ...author }, []);
    const people = repository.gitLine(["log", "-1", "--format=%an %ae %cn %ce", "main"]);
    assert.equal(people, "Jane Doe janedoe@gitlab.com Jane Doe janedoe@gitlab.com");
  }
});

test("userCommitFiles signs what is to be signed", async (t) => {
  const signingKey = join(temporaryDirectory(t), "key");
  writeFileSync(signingKey, openpgpKey({}));
  const committer = { committerName: "Server", committerEmail: "server@example.com" };
  const git = gitSettings({ signingKey, ...committer });
  const server = await startOperationServer(t, {}, { git });
  const { repository, commit } = repositoryForCommits(server);
  const content = () => repository.git(["cat-file", "commit", "main"]).toString();
  await commit({ sign: true });
  assert.match(content(), /^committer Server <server@example\.com> .*\ngpgsig -----BEGIN PGP/m);
  await commit({}, updateFile("file.txt", "more"));
  assert.doesNotMatch(content(), /gpgsig|Server/);
});

test("userCommitFiles takes in large files in pieces", async (t) => {
  const { server, repository, commit } = await startCommitFilesServer(t);
  const large = Buffer.alloc(3_000_000, "0123456789abcdef\n");
  const pieces = [
    large.subarray(0, 1_000_000),
    large.subarray(1_000_000, 1_000_001),
    large.subarray(1_000_001),
  ];
  const encoded = large.toString("base64");
  const texts = [encoded.slice(0, 999_999), encoded.slice(999_999)];
  await commit({}, [
    ...commitAction({ filePath: Buffer.from("plain") }, ...pieces),
    ...commitAction({ filePath: Buffer.from("encoded"), base64Content: true }, ...texts),
    ...createFile("small", "x"),
  ]);
  assert.deepEqual(repository.git(["cat-file", "blob", "main:plain"]), large);
  assert.deepEqual(repository.git(["cat-file", "blob", "main:encoded"]), large);
  repository.git(["fsck", "--strict"]);
  assert.deepEqual(server.leftovers(), []);
});

test("userCommitFiles keeps to the repository's rules for contents", async (t) => {
  const { repository, commit } = await startCommitFilesServer(t);
  mkdirSync(join(repository.path, "info"), { recursive: true });
  writeFileSync(join(repository.path, "info", "attributes"), "*.txt text\n");
  await commit({}, [...createFile("a.txt", "one\r\n"), ...createFile("a.bin", "one\r\n")]);
  assert.equal(repository.git(["cat-file", "blob", "main:a.txt"]).toString(), "one\n");
  assert.equal(repository.git(["cat-file", "blob", "main:a.bin"]).toString(), "one\r\n");
});

test("userCommitFiles refuses requests that say too little", async (t) => {
  const { server, header, commit } = await startCommitFilesServer(t);
  const none = Buffer.alloc(0);
  const signature =
    "commit: failed to parse signature - Signature cannot have an empty name or email";
  const user = (name: string, email: string) => ({
    user: { glId: "user-1", name: Buffer.from(name), email: Buffer.from(email) },
  });
  for (const [changes, message] of [
    [{ commitMessage: none, branchName: none }, "empty CommitMessage"],
    [{ branchName: none, startSha: "x" }, "empty BranchName"],
    [{ startSha: "foobar" }, 'invalid object ID: "foobar", expected length 40, got 6'],
    [user("", ""), signature],
    [user(" ", " "), signature],
    [user("Jane Doe", ""), signature],
    [user("", "janedoe@gitlab.com"), signature],
    [{ user: { ...TEST_USER, timezone: "Nowhere" } }, "unknown time zone Nowhere"],
  ] as const) {
    await assert.rejects(commit(changes), { kind: "invalid-argument", message });
  }
  const author = { commitAuthorName: Buffer.from("a"), commitAuthorEmail: Buffer.from("b") };
  const missing = { kind: "internal", message: "missing committer name" };
  await assert.rejects(commit({ ...user("", "x"), ...author }), missing);
  const { user: _, ...anonymous } = header;
  const calls = [
    [server.operations.userCommitFiles([commitHeader(anonymous)]), "empty User"],
    [server.operations.userCommitFiles(createFile("a")), "empty UserCommitFilesRequestHeader"],
  ] as const;
  for (const [call, message] of calls) {
    await assert.rejects(call, { kind: "invalid-argument", message });
  }
  await assert.rejects(server.operations.userCommitFiles([]), { kind: "internal", message: "EOF" });
  await assertRepositoryErrors((address) => {
    const { repository: __, ...rest } = header;
    const first = commitHeader({ ...rest, ...(address && { repository: address }) });
    return server.operations.userCommitFiles([first]);
  });
});

test("userCommitFiles passes on what a custom hook says, and leaves nothing", async (t) => {
  const { server, repository, commit } = await startCommitFilesServer(t);
  const tip = base(repository, "refs/heads/main");
  const objects = repository.gitLine(["count-objects"]);
  for (const [hook, type] of [
    ["pre-receive", CustomHookError_HookType.PRERECEIVE],
    ["update", CustomHookError_HookType.UPDATE],
  ] as const) {
    const look = hook === "pre-receive" ? "read old new ref; git cat-file -e $new || exit 0;" : "";
    writeCustomHook(repository.path, hook, `${look} echo GL_ID=$GL_ID; exit 1`);
    const error = await failureOf(commit());
    assert(error instanceof Error && "kind" in error);
    const said = `update reference: running ${hook} hooks: GL_ID=user-123\n`;
    assert.deepEqual(
      [error.kind, error.message],
      ["permission-denied", `denied by custom hooks: ${said}`],
    );
    const detail = errorDetail(error, UserCommitFilesErrorSchema).error;
    assert(detail.case === "customHook");
    assert.equal(detail.value.hookType, type);
    assert.equal(Buffer.from(detail.value.stdout).toString(), "GL_ID=user-123\n");
    if (hook === "pre-receive") assert.equal(repository.gitLine(["count-objects"]), objects);
    writeCustomHook(repository.path, hook, "exit 0");
  }
  assert.equal(repository.gitLine(["rev-parse", "main"]), tip);
  assert.deepEqual(server.leftovers(), []);
});

test("userCommitFiles tells what GitLab has against it", async (t) => {
  const answers = { allowed: { status: 401, body: '{"status":false,"message":"no way"}' } };
  const { server, repository, commit } = await startCommitFilesServer(t, { answers });
  const error = await failureOf(commit());
  assert(error instanceof Error && "kind" in error);
  const said = "update reference: running pre-receive hooks: GitLab: no way";
  assert.deepEqual(
    [error.kind, error.message],
    ["permission-denied", `denied by access checks: ${said}`],
  );
  const detail = errorDetail(error, UserCommitFilesErrorSchema).error;
  assert(detail.case === "accessCheck");
  const { errorMessage, protocol, userId, changes } = detail.value;
  assert.deepEqual([errorMessage, protocol, userId], ["no way", "web", "user-123"]);
  assert.match(Buffer.from(changes).toString(), /^0{40} [0-9a-f]{40} refs\/heads\/main\n$/);
  assert.deepEqual(repository.gitLines(["for-each-ref"]), []);
  assert.deepEqual(server.leftovers(), []);
});

test("userCommitFiles lets one of several calls for the same branch win", async (t) => {
  const { server, repository, commit } = await startCommitFilesServer(t);
  const tip = base(repository, "refs/heads/main");
  const calls = [1, 2, 3, 4].map((index) =>
    commit({ expectedOldOid: tip }, createFile(`file-${index}`)),
  );
  const outcomes = await Promise.allSettled(calls);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") assert.equal(outcome.reason.kind, "failed-precondition");
  }
  assert.equal(repository.gitLine(["rev-parse", "main^"]), tip);
  assert.deepEqual(server.leftovers(), []);
});

test("userCommitFiles changes nothing when it is cancelled while a hook runs", async (t) => {
  const { server, repository, header } = await startCommitFilesServer(t);
  const tip = base(repository, "refs/heads/main");
  writeCustomHook(repository.path, "pre-receive", `echo > ${repository.path}/began; sleep 1000`);
  const controller = new AbortController();
  const messages = [commitHeader(header), ...createFile("a", "x")];
  const call = server.operations.userCommitFiles(messages, { signal: controller.signal });
  await eventually("the hook runs", 60_000, () => existsSync(`${repository.path}/began`));
  controller.abort();
  await assert.rejects(call);
  await eventually("nothing is left", 60_000, () => server.leftovers().length === 0);
  assert.equal(repository.gitLine(["rev-parse", "main"]), tip);
});

test("userCommitFiles drops what came when the client goes away", async (t) => {
  const { server, repository, header } = await startCommitFilesServer(t);
  const controller = new AbortController();
  const piece = Buffer.alloc(600_000, "x");
  async function* messages(): AsyncIterable<CommitFilesMessage> {
    yield commitHeader(header);
    yield* commitAction({ filePath: Buffer.from("a") }, piece, piece);
    await eventually("the content has come", 60_000, () => server.leftovers().length === 1);
    controller.abort();
  }
  const call = server.operations.userCommitFiles(messages(), { signal: controller.signal });
  await assert.rejects(call, { kind: "cancelled" });
  await eventually("nothing is left", 60_000, () => server.leftovers().length === 0);
  assert.deepEqual(repository.gitLines(["for-each-ref"]), []);
});
