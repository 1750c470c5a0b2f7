import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { type ObjectFormat, zeroOid } from "../../git/oid/oid.ts";
import { ReferenceNotFoundErrorSchema } from "../../proto/errors_pb.ts";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { CallError } from "../../rpc/client/call-error.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import {
  type ServedRepository,
  startTestServer,
  type TestServer,
} from "../../testing/test-server.ts";
import { gitSettings } from "../../testing/test-settings.ts";

interface Written {
  readonly ref: string | Uint8Array;
  readonly revision: string | Uint8Array;
  readonly oldRevision?: string;
}

async function write(
  server: TestServer,
  { address }: ServedRepository,
  { ref, revision, oldRevision = "" }: Written,
): Promise<void> {
  await server.client(RepositoryService).writeRef({
    repository: address,
    ref: Buffer.from(ref),
    revision: Buffer.from(revision),
    oldRevision: Buffer.from(oldRevision),
  });
}

function addCommit({ git, gitLine }: ServedRepository, message: string, ref?: string): string {
  const tree = gitLine(["hash-object", "-w", "-t", "tree", "--stdin"]);
  const commit = gitLine(["commit-tree", "-m", message, tree]);
  if (ref !== undefined) git(["update-ref", ref, commit]);
  return commit;
}

function refs({ gitLines }: ServedRepository): string[] {
  return gitLines(["for-each-ref", "--format=%(refname) %(objectname)"]);
}

const STORES: readonly (readonly [ObjectFormat, "files" | "reftable"])[] = [
  ["sha1", "files"],
  ["sha256", "files"],
  ["sha1", "reftable"],
  ["sha256", "reftable"],
];

test("writeRef creates, updates and deletes references", async (t) => {
  const server = await startTestServer(t);
  for (const [format, refFormat] of STORES) {
    const repository = server.repository({ format, refFormat });
    const [one, two] = [addCommit(repository, "one"), addCommit(repository, "two")];
    const zero = zeroOid(format);
    const ref = "refs/heads/branch";
    await write(server, repository, { ref, revision: one, oldRevision: zero });
    assert.deepEqual(refs(repository), [`${ref} ${one}`]);
    await write(server, repository, { ref, revision: two });
    assert.deepEqual(refs(repository), [`${ref} ${two}`]);
    await write(server, repository, { ref, revision: one.slice(0, 10), oldRevision: "branch" });
    assert.deepEqual(refs(repository), [`${ref} ${one}`]);
    await write(server, repository, { ref, revision: zero, oldRevision: one });
    assert.deepEqual(refs(repository), []);
  }
});

test("writeRef takes names of any bytes", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const one = addCommit(repository, "one");
  const ref = Buffer.from("refs/heads/\xff", "latin1");
  await write(server, repository, { ref, revision: one });
  await write(server, repository, { ref: "refs/heads/ä", revision: ref });
  const names = repository.git(["for-each-ref", "--format=%(refname)"]);
  assert.deepEqual(names, Buffer.concat([Buffer.from("refs/heads/ä\n"), ref, Buffer.from("\n")]));
});

test("writeRef changes the default branch, whether or not there is such a branch", async (t) => {
  const server = await startTestServer(t);
  for (const [format, refFormat] of STORES) {
    const repository = server.repository({ format, refFormat });
    const one = addCommit(repository, "one", "refs/heads/main");
    await write(server, repository, { ref: "HEAD", revision: "refs/heads/missing" });
    assert.equal(repository.gitLine(["symbolic-ref", "HEAD"]), "refs/heads/missing");
    assert.deepEqual(refs(repository), [`refs/heads/main ${one}`]);
    for (const [revision, name] of [
      ["main", '"main"'],
      ["HEAD", '"HEAD"'],
      ["refs/heads/a.lock", '"refs/heads/a.lock"'],
      [Buffer.from("refs/heads/\xff..", "latin1"), '"refs/heads/\\xff.."'],
    ] as const) {
      await assert.rejects(write(server, repository, { ref: "HEAD", revision }), {
        kind: "internal",
        message: `setting default branch: ${name} is a malformed refname`,
      });
    }
    assert.equal(repository.gitLine(["symbolic-ref", "HEAD"]), "refs/heads/missing");
  }
});

test("writeRef refuses requests that make no sense", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address: repository } = server.repository();
  const [ref, revision] = [Buffer.from("refs/heads/main"), Buffer.from("main")];
  type Fields = { readonly [K in "ref" | "revision" | "oldRevision"]?: Uint8Array };
  const cases: readonly (readonly [Fields, string])[] = [
    [{ ref }, "invalid revision: empty revision"],
    [{ revision }, "invalid ref: empty revision"],
    [{ ref: Buffer.from("main"), revision }, "ref has to be a full reference"],
    [{ ref: Buffer.from("-x"), revision }, "invalid ref: revision can't start with '-'"],
    [
      { ref: Buffer.from("refs/heads /main"), revision },
      "invalid ref: revision can't contain whitespace",
    ],
    [{ ref, revision: Buffer.from("a\0b") }, "invalid revision: revision can't contain NUL"],
    [{ ref, revision: Buffer.from("--x") }, "invalid revision: revision can't start with '-'"],
    [{ ref, revision: Buffer.from("a:b") }, "invalid revision: revision can't contain ':'"],
    [
      { ref, revision, oldRevision: Buffer.from("a\\b") },
      "invalid OldRevision: revision can't contain '\\'",
    ],
  ];
  for (const [fields, message] of cases) {
    await assert.rejects(client.writeRef({ ...fields, repository }), {
      kind: "invalid-argument",
      message,
    });
  }
});

test("writeRef names the revision that it can't find", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const one = addCommit(repository, "one");
  const ref = "refs/heads/main";
  const cases = [
    [{ ref, revision: "refs/heads/missing" }, "new", "refs/heads/missing"],
    [{ ref, revision: "1".repeat(40) }, "new", "1".repeat(40)],
    [{ ref, revision: one, oldRevision: "2".repeat(40) }, "old", "2".repeat(40)],
    [{ ref, revision: one, oldRevision: "main@{1}" }, "old", "main@{1}"],
  ] as const;
  for (const [written, which, name] of cases) {
    await assert.rejects(write(server, repository, written), (error) => {
      assert.ok(error instanceof CallError);
      assert.equal(error.kind, "not-found");
      assert.equal(error.message, `resolving ${which} revision: reference not found`);
      const value = error.details[0]?.value ?? Buffer.alloc(0);
      const { referenceName } = fromBinary(ReferenceNotFoundErrorSchema, value);
      assert.equal(Buffer.from(referenceName).toString(), name);
      return true;
    });
  }
  assert.deepEqual(refs(repository), []);
});

test("writeRef says why git doesn't change a reference", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const one = addCommit(repository, "one", "refs/heads/a");
  const two = addCommit(repository, "two");
  const blob = repository.gitLine(["hash-object", "-w", "--stdin"], { input: "x" });
  const cases = [
    [
      { ref: "refs/heads/a", revision: two, oldRevision: two },
      "reference does not point to expected object",
    ],
    [
      { ref: "refs/heads/a", revision: two, oldRevision: zeroOid("sha1") },
      "reference already exists",
    ],
    [{ ref: "refs/heads/a/b", revision: two }, "file directory conflict"],
    [{ ref: "refs/heads/b", revision: blob }, "target object not a commit"],
    [{ ref: "refs/heads/..b", revision: one }, "invalid reference format"],
    [{ ref: "refs/heads/b", revision: one, oldRevision: two }, "exit status 128"],
  ] as const;
  for (const [written, problem] of cases) {
    await assert.rejects(write(server, repository, written), {
      kind: "internal",
      message: `error when running update-ref command: ${problem}`,
    });
  }
  assert.deepEqual(refs(repository), [`refs/heads/a ${one}`]);
});

test("writeRef gives way to others who change the same reference", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const revision = addCommit(repository, "one");
  writeFileSync(join(repository.path, "refs/heads/main.lock"), "");
  await assert.rejects(write(server, repository, { ref: "refs/heads/main", revision }), {
    kind: "aborted",
  });
  writeFileSync(join(repository.path, "HEAD.lock"), "");
  await assert.rejects(write(server, repository, { ref: "HEAD", revision: "refs/heads/b" }), {
    kind: "internal",
    message: "setting default branch: commit: reference is already locked",
  });
  assert.equal(readFileSync(join(repository.path, "HEAD"), "utf8"), "ref: refs/heads/main\n");
});

test("writeRef ends when its time is up while it waits for a lock", async (t) => {
  const config = [{ key: "core.filesRefLockTimeout", value: "-1" }];
  const server = await startTestServer(t, { git: gitSettings({ config }) });
  const repository = server.repository();
  const revision = addCommit(repository, "one");
  const lock = join(repository.path, "refs/heads/main.lock");
  writeFileSync(lock, "");
  const fields = {
    repository: repository.address,
    ref: Buffer.from("refs/heads/main"),
    revision: Buffer.from(revision),
  };
  const client = server.client(RepositoryService);
  await assert.rejects(client.writeRef(fields, { timeoutMs: 300 }), { kind: "deadline-exceeded" });
  rmSync(lock);
  await client.writeRef({ ...fields, oldRevision: Buffer.from(zeroOid("sha1")) });
  assert.deepEqual(refs(repository), [`refs/heads/main ${revision}`]);
});

test("writeRef refuses requests that name no repository", async (t) => {
  const client = (await startTestServer(t)).client(RepositoryService);
  const fields = { ref: Buffer.from("refs/heads/main"), revision: Buffer.from("main") };
  await assertRepositoryErrors((repository) =>
    client.writeRef(repository === undefined ? fields : { ...fields, repository }),
  );
});
