import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import type { ObjectFormat } from "../../git/oid/oid.ts";
import { type DeleteRefsError, DeleteRefsErrorSchema, RefService } from "../../proto/ref_pb.ts";
import { CallError } from "../../rpc/client/call-error.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import {
  type ServedRepository,
  startTestServer,
  type TestServer,
} from "../../testing/test-server.ts";
import { gitSettings } from "../../testing/test-settings.ts";

const STORES: readonly (readonly [ObjectFormat, "files" | "reftable"])[] = [
  ["sha1", "files"],
  ["sha256", "files"],
  ["sha1", "reftable"],
  ["sha256", "reftable"],
];

type Chosen = { readonly refs?: readonly string[]; readonly except?: readonly string[] };

async function remove(
  server: TestServer,
  { address: repository }: ServedRepository,
  { refs = [], except = [] }: Chosen,
): Promise<void> {
  await server.client(RefService).deleteRefs({
    repository,
    refs: refs.map((ref) => Buffer.from(ref, "latin1")),
    exceptWithPrefix: except.map((prefix) => Buffer.from(prefix, "latin1")),
  });
}

/** Makes references, among them two symbolic ones, and returns the commit they all lead to. */
function addRefs(repository: ServedRepository): void {
  const one = writeCommit(repository);
  for (const name of ["heads/master", "delete/a", "also-delete/b", "keep/c", "also-keep/d"]) {
    repository.git(["update-ref", `refs/${name}`, one]);
  }
  repository.git(["pack-refs", "--all"]);
  repository.git(["symbolic-ref", "refs/delete/symbolic-a", "refs/delete/a"]);
  repository.git(["symbolic-ref", "refs/delete/symbolic-c", "refs/keep/c"]);
}

function names({ gitLines }: ServedRepository): string[] {
  return gitLines(["for-each-ref", "--format=%(refname)"]);
}

function errorDetail(error: unknown): DeleteRefsError["error"] {
  assert.ok(error instanceof CallError);
  assert.equal(error.details.length, 1);
  return fromBinary(DeleteRefsErrorSchema, error.details[0]?.value ?? Buffer.alloc(0)).error;
}

test("deleteRefs deletes what is named, or all but what is excepted", async (t) => {
  const server = await startTestServer(t);
  const kept = ["refs/also-keep/d", "refs/heads/master", "refs/keep/c"];
  const deleted = ["delete/a", "also-delete/b", "delete/symbolic-a", "delete/symbolic-c"];
  for (const [format, refFormat] of STORES) {
    for (const chosen of [
      { except: ["refs/keep", "refs/also-keep", "refs/heads/"] },
      { refs: deleted.map((name) => `refs/${name}`) },
      { refs: [...deleted, "missing"].map((name) => `refs/${name}`) },
    ]) {
      const repository = server.repository({ format, refFormat });
      addRefs(repository);
      await remove(server, repository, chosen);
      assert.deepEqual(names(repository), kept);
    }
  }
});

test("deleteRefs deletes nothing when everything is excepted", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  await remove(server, repository, { except: ["refs/"] });
  addRefs(repository);
  const before = names(repository);
  await remove(server, repository, { except: ["refs/"] });
  assert.deepEqual(names(repository), before);
  await remove(server, repository, { except: ["nonexisting/prefix/"] });
  assert.deepEqual(names(repository), []);
});

test("deleteRefs takes names of any bytes", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const one = writeCommit(repository);
  const input = Buffer.from(
    `create refs/heads/\xff ${one}\ncreate refs/heads/\xfe ${one}\n`,
    "latin1",
  );
  repository.git(["update-ref", "--stdin"], { input });
  await remove(server, repository, { except: ["refs/heads/\xfe"] });
  assert.equal(names(repository).length, 1);
  await remove(server, repository, { refs: ["refs/heads/\xfe"] });
  assert.deepEqual(names(repository), []);
});

test("deleteRefs refuses requests that make no sense", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  addRefs(repository);
  const before = names(repository);
  const cases: readonly (readonly [Chosen, string])[] = [
    [{}, "empty ExceptWithPrefix and Refs"],
    [{ refs: ["a"], except: ["b"] }, "ExceptWithPrefix and Refs are mutually exclusive"],
    [{ except: ["refs/keep", ""] }, "empty prefix for exclusion"],
    [{ refs: ["refs/delete/a", ""] }, "empty ref"],
  ];
  for (const [chosen, message] of cases) {
    const removing = remove(server, repository, chosen);
    await assert.rejects(removing, { kind: "invalid-argument", message });
  }
  assert.deepEqual(names(repository), before);
});

test("deleteRefs names all references that can be none", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  addRefs(repository);
  const before = names(repository);
  const refs = ["refs invalid-ref-format", "refs/delete/a", "-x", "a\0b", "a:b"];
  await assert.rejects(remove(server, repository, { refs }), (error) => {
    const { case: reason, value } = errorDetail(error);
    assert.ok(reason === "invalidFormat");
    const invalid = value.refs.map((ref) => Buffer.from(ref).toString());
    assert.deepEqual(invalid, ["refs invalid-ref-format", "-x", "a\0b", "a:b"]);
    assert.ok(error instanceof CallError);
    assert.deepEqual([error.kind, error.message], ["invalid-argument", "invalid references"]);
    return true;
  });
  assert.deepEqual(names(repository), before);
});

test("deleteRefs gives way to others who change the same reference", async (t) => {
  const server = await startTestServer(t);
  for (const refFormat of ["files", "reftable"] as const) {
    const repository = server.repository({ refFormat });
    addRefs(repository);
    const before = names(repository);
    const isFiles = refFormat === "files";
    const lock = isFiles ? "refs/heads/master.lock" : "reftable/tables.list.lock";
    writeFileSync(join(repository.path, lock), "");
    const refs = ["refs/delete/a", "refs/heads/master"];
    await assert.rejects(remove(server, repository, { refs }), (error) => {
      const { case: reason, value } = errorDetail(error);
      assert.ok(reason === "referencesLocked");
      const locked = value.refs.map((ref) => Buffer.from(ref).toString());
      assert.deepEqual(locked, [isFiles ? "refs/heads/master" : ""]);
      assert.ok(error instanceof CallError);
      assert.equal(error.kind, "aborted");
      assert.equal(error.message, "The operation could not be completed. Please try again.");
      return true;
    });
    assert.deepEqual(names(repository), before);
  }
});

test("deleteRefs says why git doesn't delete references", async (t) => {
  const config = [{ key: "core.packedRefsTimeout", value: "0" }];
  const server = await startTestServer(t, { git: gitSettings({ config }) });
  const repository = server.repository();
  addRefs(repository);
  const before = names(repository);
  const refs = ["refs/delete/a"];
  const repeated = "reference has been updated multiple times within a transaction";
  await assert.rejects(remove(server, repository, { refs: [...refs, ...refs] }), {
    kind: "internal",
    message: `unable to prepare: ${repeated}`,
  });
  await assert.rejects(remove(server, repository, { refs: [...refs, "refs/delete/..a"] }), {
    kind: "internal",
    message: "unable to prepare: invalid reference format",
  });
  writeFileSync(join(repository.path, "packed-refs.lock"), "");
  await assert.rejects(remove(server, repository, { refs }), {
    kind: "internal",
    message: "unable to prepare: packed-refs locked",
  });
  assert.deepEqual(names(repository), before);
});

test("deleteRefs ends when its time is up while it waits for a lock", async (t) => {
  const config = [{ key: "core.filesRefLockTimeout", value: "-1" }];
  const server = await startTestServer(t, { git: gitSettings({ config }) });
  const repository = server.repository();
  addRefs(repository);
  const before = names(repository);
  writeFileSync(join(repository.path, "refs/heads/master.lock"), "");
  const request = { repository: repository.address, refs: [Buffer.from("refs/heads/master")] };
  const removing = server.client(RefService).deleteRefs(request, { timeoutMs: 300 });
  await assert.rejects(removing, { kind: "deadline-exceeded" });
  assert.deepEqual(names(repository), before);
});

test("deleteRefs refuses requests that name no repository", async (t) => {
  const client = (await startTestServer(t)).client(RefService);
  await assertRepositoryErrors((repository) =>
    client.deleteRefs({ ...(repository && { repository }), refs: [Buffer.from("refs/heads/a")] }),
  );
});
