import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { type ObjectFormat, zeroOid } from "../../git/oid/oid.ts";
import {
  RefService,
  type UpdateReferencesError,
  UpdateReferencesErrorSchema,
  type UpdateReferencesRequestSchema,
} from "../../proto/ref_pb.ts";
import { CallError } from "../../rpc/client/call-error.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import {
  type ServedRepository,
  startTestServer,
  type TestServer,
} from "../../testing/test-server.ts";
import { gitSettings } from "../../testing/test-settings.ts";

type Request = MessageInitShape<typeof UpdateReferencesRequestSchema>;

const STORES: readonly (readonly [ObjectFormat, "files" | "reftable"])[] = [
  ["sha1", "files"],
  ["sha256", "files"],
  ["sha1", "reftable"],
  ["sha256", "reftable"],
];

const BUSY = "The operation could not be completed. Please try again.";

/** An update: the reference, its new value, its old value. */
type Line = readonly [
  reference: string | Buffer,
  newOid: string | Buffer,
  oldOid?: string | Buffer,
];

function updates(lines: readonly Line[]) {
  return lines.map(([reference, newOid, oldOid = ""]) => ({
    reference: Buffer.from(reference),
    newObjectId: Buffer.from(newOid),
    oldObjectId: Buffer.from(oldOid),
  }));
}

async function send(server: TestServer, requests: readonly Request[]): Promise<void> {
  await server.client(RefService).updateReferences(requests);
}

async function update(
  server: TestServer,
  { address: repository }: ServedRepository,
  ...lines: Line[]
): Promise<void> {
  await send(server, [{ repository, updates: updates(lines) }]);
}

function refs({ gitLines }: ServedRepository): string[] {
  return gitLines(["for-each-ref", "--format=%(refname) %(objectname)"]);
}

function errorDetail(error: unknown): UpdateReferencesError["error"] {
  assert.ok(error instanceof CallError);
  assert.equal(error.details.length, 1);
  const value = error.details[0]?.value ?? Buffer.alloc(0);
  return fromBinary(UpdateReferencesErrorSchema, value).error;
}

test("updateReferences creates, changes and deletes references", async (t) => {
  const server = await startTestServer(t);
  for (const [format, refFormat] of STORES) {
    const repository = server.repository({ format, refFormat });
    const one = writeCommit(repository);
    const two = writeCommit(repository, { parents: [one] });
    const zero = zeroOid(format);
    await update(server, repository, ["refs/heads/a", one], ["refs/heads/b", one, zero]);
    assert.deepEqual(refs(repository), [`refs/heads/a ${one}`, `refs/heads/b ${one}`]);
    await update(
      server,
      repository,
      ["refs/heads/a", zero],
      ["refs/heads/b", two, one],
      ["refs/heads/c", two],
      ["refs/heads/missing", zero],
    );
    assert.deepEqual(refs(repository), [`refs/heads/b ${two}`, `refs/heads/c ${two}`]);
    await update(server, repository, ["refs/heads/b", zero, two], ["refs/heads/c", one]);
    assert.deepEqual(refs(repository), [`refs/heads/c ${one}`]);
  }
});

test("updateReferences takes changes from many requests, and names of any bytes", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const one = writeCommit(repository);
  // More than fits into a pipe.
  const requests = Array.from({ length: 20 }, (_, request) => {
    const names = Array.from(
      { length: 20 },
      (__, index) => `${"x".repeat(150)}/${request}/${index}`,
    );
    return {
      ...(request === 0 && { repository: repository.address }),
      updates: updates(names.map((name) => [`refs/heads/${name}`, one])),
    };
  });
  await send(server, requests);
  assert.equal(refs(repository).length, 400);
  await update(server, repository, [Buffer.from("refs/tags/\xff", "latin1"), one]);
  const [name = ""] = repository.git(["for-each-ref", "refs/tags"]).toString("latin1").split("\n");
  assert.equal(name, `${one} commit\trefs/tags/\xff`);
});

test("updateReferences follows symbolic references", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const one = writeCommit(repository);
  repository.git(["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
  await update(server, repository, ["refs/heads/alias", one]);
  assert.deepEqual(refs(repository), [`refs/heads/alias ${one}`, `refs/heads/main ${one}`]);
});

test("updateReferences refuses requests that make no sense", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const { address } = repository;
  const one = writeCommit(repository);
  const good = updates([["refs/heads/good", one]]);
  const problem = `invalid object ID: "abc", expected length 40, got 3`;
  const upper = `invalid object ID: "${"A".repeat(40)}", invalid character 'A'`;
  const cases: readonly (readonly [Request[], string])[] = [
    [[{ repository: address }], "no updates specified"],
    [[{ repository: address, updates: good }, {}], "no updates specified"],
    [
      [
        { repository: address, updates: good },
        { repository: address, updates: good },
      ],
      "repository set in subsequent request",
    ],
    [
      [{ repository: address, updates: updates([["refs/heads/b", one, "abc"]]) }],
      `validating old object ID: ${problem}`,
    ],
    [
      [{ repository: address, updates: updates([["refs/heads/b", "abc"]]) }],
      `validating new object ID: ${problem}`,
    ],
    [
      [{ repository: address, updates: updates([["refs/heads/b", "A".repeat(40)]]) }],
      `validating new object ID: ${upper}`,
    ],
    [
      [{ repository: address, updates: updates([["refs/heads/b", Buffer.from([0xff])]]) }],
      `validating new object ID: invalid object ID: "\\xff", expected length 40, got 1`,
    ],
  ];
  for (const [requests, message] of cases) {
    await assert.rejects(send(server, requests), { kind: "invalid-argument", message });
  }
  await assert.rejects(send(server, []), {
    kind: "internal",
    message: "receiving initial request: EOF",
  });
  assert.deepEqual(refs(repository), []);
});

test("updateReferences names the reference that isn't one", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const one = writeCommit(repository);
  const cases = [
    ["", "reference is not fully qualified"],
    ["foobar", "reference is not fully qualified"],
    ["HEAD", "HEAD reference not allowed"],
    ["refs/heads/a..b", "reference must not contain double dots"],
    ["refs/heads/a\0b", "reference must not contain control characters"],
  ] as const;
  for (const [name, problem] of cases) {
    const writing = update(server, repository, ["refs/heads/good", one], [name, one]);
    await assert.rejects(writing, (error) => {
      const { case: reason, value } = errorDetail(error);
      assert.ok(reason === "invalidFormat");
      assert.deepEqual(
        value.refs.map((ref) => Buffer.from(ref).toString()),
        [name],
      );
      assert.ok(error instanceof CallError);
      assert.equal(error.kind, "invalid-argument");
      assert.equal(error.message, `validating reference: ${problem}`);
      return true;
    });
  }
  assert.deepEqual(refs(repository), []);
});

test("updateReferences says what a reference holds instead of what was expected", async (t) => {
  const server = await startTestServer(t);
  for (const [format, refFormat] of STORES) {
    const repository = server.repository({ format, refFormat });
    const one = writeCommit(repository, { ref: "refs/heads/a" });
    const two = writeCommit(repository, { parents: [one] });
    const writing = update(server, repository, ["refs/heads/b", two], ["refs/heads/a", two, two]);
    await assert.rejects(writing, (error) => {
      const { case: reason, value } = errorDetail(error);
      assert.ok(reason === "referenceStateMismatch");
      assert.equal(Buffer.from(value.referenceName).toString(), "refs/heads/a");
      assert.equal(Buffer.from(value.expectedObjectId).toString(), two);
      assert.equal(Buffer.from(value.actualObjectId).toString(), one);
      assert.ok(error instanceof CallError);
      assert.deepEqual([error.kind, error.message], ["aborted", BUSY]);
      return true;
    });
    assert.deepEqual(refs(repository), [`refs/heads/a ${one}`]);
  }
});

test("updateReferences gives way to others who change the same reference", async (t) => {
  const server = await startTestServer(t);
  for (const refFormat of ["files", "reftable"] as const) {
    const repository = server.repository({ refFormat });
    const one = writeCommit(repository, { ref: "refs/heads/a" });
    const two = writeCommit(repository, { parents: [one] });
    const isFiles = refFormat === "files";
    const lock = isFiles ? "refs/heads/a.lock" : "reftable/tables.list.lock";
    writeFileSync(join(repository.path, lock), "");
    await assert.rejects(update(server, repository, ["refs/heads/a", two, one]), (error) => {
      const { case: reason, value } = errorDetail(error);
      assert.ok(reason === "referencesLocked");
      const names = value.refs.map((name) => Buffer.from(name).toString());
      assert.deepEqual(names, [isFiles ? "refs/heads/a" : ""]);
      assert.ok(error instanceof CallError);
      assert.deepEqual([error.kind, error.message], ["aborted", BUSY]);
      return true;
    });
    assert.deepEqual(refs(repository), [`refs/heads/a ${one}`]);
  }
});

test("updateReferences says why git doesn't change references", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const one = writeCommit(repository, { ref: "refs/heads/a" });
  const blob = repository.gitLine(["hash-object", "-w", "--stdin"], { input: "x" });
  const zero = zeroOid("sha1");
  const cases: readonly (readonly [Line[], string, string])[] = [
    [[["refs/heads/b", "1".repeat(40)]], "not-found", "target object missing"],
    [[["refs/heads/a", one, zero]], "internal", "committing update: reference already exists"],
    [[["refs/heads/a/b", one]], "internal", "committing update: file directory conflict"],
    [[["refs/heads/b", blob]], "internal", "committing update: target object not a commit"],
    [[["refs/heads/b", one, one]], "internal", "committing update: exit status 128"],
    [
      [
        ["refs/heads/b", one],
        ["refs/heads/b", one],
      ],
      "internal",
      "committing update: reference has been updated multiple times within a transaction",
    ],
    [
      [
        ["refs/heads/b", one],
        ["refs/heads/b/c", one],
      ],
      "internal",
      "committing update: conflicting reference updates in the same transaction",
    ],
  ];
  for (const [lines, kind, message] of cases) {
    await assert.rejects(update(server, repository, ...lines), { kind, message });
  }
  // Gitaly doesn't know git's words for a packed branch that is in the way.
  repository.gitLines(["pack-refs", "--all"]);
  await assert.rejects(update(server, repository, ["refs/heads/a/b", one]), {
    kind: "internal",
    message: "committing update: exit status 128",
  });
  assert.deepEqual(refs(repository), [`refs/heads/a ${one}`]);
});

test("updateReferences changes nothing when its caller goes away", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const one = writeCommit(repository);
  const controller = new AbortController();
  const requests = async function* (): AsyncGenerator<Request> {
    yield { repository: repository.address, updates: updates([["refs/heads/a", one]]) };
    controller.abort();
  };
  const { signal } = controller;
  const writing = server.client(RefService).updateReferences(requests(), { signal });
  await assert.rejects(writing, { kind: "cancelled" });
  await update(server, repository, ["refs/heads/b", one]);
  assert.deepEqual(refs(repository), [`refs/heads/b ${one}`]);
});

test("updateReferences ends when its time is up while it waits for a lock", async (t) => {
  const config = [{ key: "core.filesRefLockTimeout", value: "-1" }];
  const server = await startTestServer(t, { git: gitSettings({ config }) });
  const repository = server.repository();
  const one = writeCommit(repository);
  writeFileSync(join(repository.path, "refs/heads/a.lock"), "");
  const request = { repository: repository.address, updates: updates([["refs/heads/a", one]]) };
  const writing = server.client(RefService).updateReferences([request], { timeoutMs: 300 });
  await assert.rejects(writing, { kind: "deadline-exceeded" });
  assert.deepEqual(refs(repository), []);
});

test("updateReferences refuses requests that name no repository", async (t) => {
  const client = (await startTestServer(t)).client(RefService);
  const good = updates([["refs/heads/a", "1".repeat(40)]]);
  await assertRepositoryErrors((repository) =>
    client.updateReferences([{ ...(repository && { repository }), updates: good }]),
  );
});
