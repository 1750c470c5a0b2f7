import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CustomHookError_HookType } from "../../proto/errors_pb.ts";
import { OperationService, UserApplyPatchErrorSchema } from "../../proto/operations_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import { commitFiles, type TestFile } from "../../testing/commit-files.ts";
import { writeCustomHook } from "../../testing/custom-hook.ts";
import { runTestGit, temporaryDirectory } from "../../testing/git-repository.ts";
import {
  errorDetail,
  failureOf,
  type OperationServer,
  startOperationServer,
  TEST_USER,
} from "../../testing/operation-server.ts";
import { eventually } from "../../testing/processes.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import type { ServedRepository } from "../../testing/test-server.ts";
import { beginTransaction, votesOn } from "../../testing/transaction-client.ts";

type Files = Readonly<Record<string, TestFile>>;

const MAIN = "refs/heads/main";
const MESSAGE = "commit subject\n\ncommit message body\n\n\n";
const LINES = "line 1\nline 2\nline 3\nline 4\n";
const BASE: Files = { file: "base-content\n", other: "other\n" };

/** The mail with the change from one set of files to another; the old one defaults to `base`. */
function mail(repository: ServedRepository, base: string, files: Files, oldFiles?: Files): Buffer {
  const parent = oldFiles === undefined ? base : commitFiles(repository, oldFiles);
  const commit = commitFiles(repository, files, [parent], MESSAGE);
  const flags = ["--stdout", "--binary", "--from=Test Sender <sender@example.com>"];
  return repository.git(["format-patch", ...flags, `${parent}..${commit}`]);
}

interface Request {
  readonly targetBranch?: string;
  readonly expectedOldOid?: string;
  readonly patches: readonly Uint8Array[];
  readonly signal?: AbortSignal;
  readonly metadata?: Readonly<Record<string, string>>;
}

function apply(server: OperationServer, repository: ServedRepository, request: Request) {
  const { targetBranch = "main", expectedOldOid = "", patches } = request;
  const header = {
    repository: server.address(repository),
    user: TEST_USER,
    targetBranch: Buffer.from(targetBranch),
    timestamp: { seconds: 1_234_512_345n, nanos: 0 },
    expectedOldOid,
  };
  const payload = (value: Uint8Array) =>
    ({ userApplyPatchRequestPayload: { case: "patches", value } }) as const;
  return server.operations.userApplyPatch(
    [
      { userApplyPatchRequestPayload: { case: "header", value: header } },
      ...patches.flatMap((patch) => [
        payload(patch.subarray(0, 7)),
        payload(Buffer.alloc(0)),
        payload(patch.subarray(7)),
      ]),
    ],
    { signal: request.signal, metadata: request.metadata },
  );
}

/** What `git am` makes of the mails in a working tree with all files: a commit, or a complaint. */
function gitAm(repository: ServedRepository, folder: string, patches: readonly Uint8Array[]) {
  repository.git(["worktree", "add", "--detach", folder, MAIN]);
  const env = {
    GIT_COMMITTER_NAME: "Jane Doe",
    GIT_COMMITTER_EMAIL: "janedoe@gitlab.com",
    GIT_COMMITTER_DATE: "Fri Feb 13 2009 16:05:45 +0800",
  };
  const input = Buffer.concat(patches);
  const alias = "alias.try=!git am --quiet --3way || true";
  const complaint = runTestGit(["-C", folder, "-c", alias, "try"], { input, env }).toString();
  const commit = runTestGit(["-C", folder, "rev-parse", "HEAD"], {}).toString().trim();
  repository.git(["worktree", "remove", "--force", folder]);
  return { commit, complaint };
}

const SERIES: Readonly<Record<string, readonly [Files, (readonly [Files, Files?])[]]>> = {
  "apply one after the other": [BASE, [[{ ...BASE, file: "1\n" }], [{ ...BASE, other: "2\n" }]]],
  "need a three-way merge": [
    { file: "base" },
    [[{ file: "patch 1" }], [{ file: "patch 1" }, { file: "patch 2" }]],
  ],
  "conflict in a file": [{ file: "base" }, [[{ file: "patch 1" }], [{ file: "patch 2" }]]],
  "add a file twice": [BASE, [[{ ...BASE, added: "1" }], [{ ...BASE, added: "2" }]]],
  "change a file that was renamed": [
    { file: LINES },
    [[{ moved: LINES }], [{ file: `${LINES}added\n` }]],
  ],
  "change a file that was deleted": [{ file: "base" }, [[{}], [{ file: "updated" }]]],
  "change modes, links, folders and binaries": [
    { ...BASE, "folder/a": "a\n", "folder/sub/b": "b\n", bin: "\0\x01\x02" },
    [
      [
        {
          file: { mode: "100755", content: "base-content\n" },
          other: { mode: "120000", content: "file" },
          folder: "now a file\n",
          bin: "\0\x01\x03",
          "näme/with space": "x\r\n",
        },
      ],
    ],
  ],
  "obey attributes of files that stay": [
    { ".gitattributes": "*.txt text eol=crlf\n", "a.txt": "a\nb\n", file: "x\n" },
    [[{ ".gitattributes": "*.txt text eol=crlf\n", "a.txt": "a\nc\n", file: "x\n" }]],
  ],
};

for (const format of ["sha1", "sha256"] as const) {
  for (const [name, [base, changes]] of Object.entries(SERIES)) {
    test(`userApplyPatch does as git am when patches ${name} (${format})`, async (t) => {
      const server = await startOperationServer(t);
      const repository = server.repository({ format });
      const commit = commitFiles(repository, base);
      repository.git(["update-ref", MAIN, commit]);
      const patches = changes.map(([files, old]) => mail(repository, commit, files, old));
      const folder = join(temporaryDirectory(t), "tree");
      const { commit: expected, complaint } = gitAm(repository, folder, patches);
      const call = apply(server, repository, { patches });
      if (complaint !== "") {
        assert.match(complaint, /^Patch failed at 0002 commit subject/);
        await assert.rejects(call, { kind: "failed-precondition", message: complaint });
      } else {
        const { branchUpdate } = await call;
        assert.equal(branchUpdate?.branchCreated, false);
        assert.equal(branchUpdate.commitId, expected);
      }
      assert.equal(repository.gitLine(["rev-parse", MAIN]), complaint === "" ? expected : commit);
      assert.deepEqual(server.leftovers(), []);
      assert(!existsSync(join(repository.path, "worktrees", "tree")));
    });
  }
}

test("userApplyPatch works where references are in a table", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository({ refFormat: "reftable" });
  const commit = commitFiles(repository, BASE);
  repository.git(["update-ref", MAIN, commit]);
  const patches = [mail(repository, commit, { file: "1\n" })];
  const { branchUpdate } = await apply(server, repository, { patches });
  assert.equal(repository.gitLine(["rev-parse", MAIN]), branchUpdate?.commitId);
  // As Gitaly leaves it.
  assert.deepEqual(readdirSync(join(repository.path, "gitlab-worktree")), []);
});

test("userApplyPatch makes branches from the default one", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const commit = commitFiles(repository, BASE);
  repository.git(["update-ref", "refs/heads/first", commit]);
  const patches = [mail(repository, commit, { file: "1\n" })];
  const zero = "0".repeat(40);
  for (const [targetBranch, expectedOldOid] of [
    ["new", ""],
    ["another", zero],
  ] as const) {
    const { branchUpdate } = await apply(server, repository, {
      ...{ targetBranch, expectedOldOid, patches },
    });
    assert.equal(branchUpdate?.branchCreated, true);
    const parents = repository.gitLine(["rev-parse", `${targetBranch}~`]);
    assert.equal(parents, commit);
  }
});

test("userApplyPatch says why there is no commit", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const old = commitFiles(repository, { file: "old" });
  const commit = commitFiles(repository, BASE, [old]);
  const patches = [mail(repository, commit, { file: "1\n" })];
  const broken = [Buffer.from("this is no mail\n")];
  await assert.rejects(apply(server, repository, { patches }), {
    kind: "internal",
    message: "no default branch",
  });
  repository.git(["update-ref", MAIN, commit]);
  const foo = 'invalid object ID: "foo", expected length 40, got 3';
  const cannot = "update reference: reference update: reference";
  for (const [changes, message] of [
    [
      { patches: broken },
      /^apply patch: exit status 128, stderr: "hint: When you have resolved this problem, run/,
    ],
    [{ expectedOldOid: "foo" }, `expected old object id not expected SHA format: ${foo}`],
    [
      { expectedOldOid: "1".repeat(40) },
      "expected old object cannot be resolved: reference not found",
    ],
    [{ expectedOldOid: "0".repeat(40) }, `${cannot} already exists`],
    [{ expectedOldOid: old }, `${cannot} does not point to expected object`],
  ] as const) {
    const call = apply(server, repository, { patches, ...changes });
    await assert.rejects(call, { kind: "internal", message });
  }
  assert.equal(repository.gitLine(["rev-parse", MAIN]), commit);
  assert.deepEqual(server.leftovers(), []);
});

test("userApplyPatch passes on that a custom hook refuses", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const commit = commitFiles(repository, BASE);
  repository.git(["update-ref", MAIN, commit]);
  const patches = [mail(repository, commit, { file: "1\n" })];
  for (const [hook, hookType] of [
    ["pre-receive", CustomHookError_HookType.PRERECEIVE],
    ["update", CustomHookError_HookType.UPDATE],
  ] as const) {
    writeCustomHook(repository.path, hook, "echo this is stdout; echo this is stderr >&2; exit 1");
    const error = await failureOf(apply(server, repository, { patches }));
    assert(error instanceof Error && "kind" in error);
    assert.deepEqual([error.kind, error.message], ["permission-denied", "denied by custom hooks"]);
    const detail = errorDetail(error, UserApplyPatchErrorSchema).error;
    assert(detail.case === "customHook");
    assert.equal(detail.value.hookType, hookType);
    assert.equal(Buffer.from(detail.value.stdout).toString(), "this is stdout\n");
    assert.equal(Buffer.from(detail.value.stderr).toString(), "this is stderr\n");
    writeCustomHook(repository.path, hook, "exit 0");
  }
  assert.equal(repository.gitLine(["rev-parse", MAIN]), commit);
  assert.deepEqual(server.leftovers(), []);
});

test("userApplyPatch doesn't commit what GitLab refuses", async (t) => {
  const body = '{"status":false,"message":"no way"}';
  const server = await startOperationServer(t, { allowed: { status: 401, body } });
  const repository = server.repository();
  const commit = commitFiles(repository, BASE);
  repository.git(["update-ref", MAIN, commit]);
  const patches = [mail(repository, commit, { file: "1\n" })];
  const message = "update reference: running pre-receive hooks: GitLab: no way";
  await assert.rejects(apply(server, repository, { patches }), { kind: "internal", message });
  assert.equal(repository.gitLine(["rev-parse", MAIN]), commit);
});

test("userApplyPatch refuses requests that say too little", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.address(server.repository());
  const call = (value: object) =>
    server.operations.userApplyPatch([
      { userApplyPatchRequestPayload: { case: "header", value } } as const,
    ]);
  const targetBranch = Buffer.from("main");
  for (const [header, message] of [
    [{ repository, targetBranch }, "missing User"],
    [{ repository, user: TEST_USER }, "missing Branch"],
  ] as const) {
    await assert.rejects(call(header), { kind: "invalid-argument", message });
  }
  const patches = { case: "patches", value: Buffer.from("x") } as const;
  await assert.rejects(
    server.operations.userApplyPatch([{ userApplyPatchRequestPayload: patches }]),
    { kind: "invalid-argument", message: "empty UserApplyPatch_Header" },
  );
  await assertRepositoryErrors((address) => call({ ...(address && { repository: address }) }));
});

test("userApplyPatch lets one of several calls from the same state win", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const commit = commitFiles(repository, BASE);
  repository.git(["update-ref", MAIN, commit]);
  const calls = ["1", "2", "3"].map((file) => {
    const patches = [mail(repository, commit, { ...BASE, file })];
    return apply(server, repository, { patches, expectedOldOid: commit });
  });
  const outcomes = await Promise.allSettled(calls);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") assert.equal(outcome.reason.kind, "internal");
  }
  assert.deepEqual(server.leftovers(), []);
});

test("userApplyPatch changes nothing when it is cancelled while a hook runs", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const commit = commitFiles(repository, BASE);
  repository.git(["update-ref", MAIN, commit]);
  const patches = [mail(repository, commit, { file: "1\n" })];
  writeCustomHook(repository.path, "update", `echo > ${repository.path}/began; sleep 1000`);
  const controller = new AbortController();
  const call = apply(server, repository, { patches, signal: controller.signal });
  await eventually("the hook runs", 60_000, () => existsSync(`${repository.path}/began`));
  controller.abort();
  await assert.rejects(call);
  await eventually("nothing is left", 60_000, () => server.leftovers().length === 0);
  assert.equal(repository.gitLine(["rev-parse", MAIN]), commit);
});

test("servers of a transaction vote on each step of userApplyPatch, as those that run git", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const commit = commitFiles(repository, BASE);
  repository.git(["update-ref", MAIN, commit]);
  const patches = [
    { ...BASE, file: "1\n" },
    { ...BASE, file: "1\n", other: "2\n" },
  ].map((files, index) =>
    mail(repository, commit, files, index === 0 ? BASE : { ...BASE, file: "1\n" }),
  );
  const { channel, metadata, votes } = beginTransaction(t, server);
  const operations = createClient(OperationService, channel);
  await apply({ ...server, operations }, repository, { patches, metadata });
  const zero = "0".repeat(40);
  const [first, last] = [`${MAIN}~`, MAIN].map((name) => repository.gitLine(["rev-parse", name]));
  const expected = [
    `${zero} ${commit} HEAD\n`,
    `${zero} ${commit} ORIG_HEAD\n`,
    `${commit} ${commit} HEAD\n`,
    `${zero} ${commit} ORIG_HEAD\n`,
    `${commit} ${first} HEAD\n`,
    `${first} ${last} HEAD\n`,
  ];
  const onTree = expected.flatMap((change) => votesOn(change).slice(1));
  const cast = votes.filter((vote) => /^(?:preparing|prepared|committed) /.test(vote));
  assert.deepEqual(cast, [...onTree, ...votesOn(`${commit} ${last} ${MAIN}\n`)]);
});

test("userApplyPatch changes nothing when other servers don't agree", async (t) => {
  const server = await startOperationServer(t);
  const repository = server.repository();
  const commit = commitFiles(repository, BASE);
  repository.git(["update-ref", MAIN, commit]);
  const patches = [mail(repository, commit, { file: "1\n" })];
  const { channel, metadata } = beginTransaction(t, server, "prepared");
  const operations = createClient(OperationService, channel);
  const call = apply({ ...server, operations }, repository, { patches, metadata });
  await assert.rejects(call, { kind: "internal", message: /^add worktree: adding worktree: / });
  assert.equal(repository.gitLine(["rev-parse", MAIN]), commit);
  assert.deepEqual(server.leftovers(), []);
});
