import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CleanupService } from "../../proto/cleanup_pb.ts";
import { ObjectType } from "../../proto/shared_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import {
  type ServedRepository,
  startTestServer,
  type TestServer,
} from "../../testing/test-server.ts";

const HEADER = "old                                      new\n";

async function apply(server: TestServer, { address }: ServedRepository, map: string) {
  const bytes = Buffer.from(map);
  const requests = [
    { repository: address, objectMap: bytes.subarray(0, 50) },
    { objectMap: bytes.subarray(50, 51) },
    { objectMap: bytes.subarray(51) },
  ];
  const replies = await collect(server.client(CleanupService).applyBfgObjectMapStream(requests));
  return replies.flatMap(({ entries }) =>
    entries.map(({ type, oldOid, newOid }) => ({ type, oldOid, newOid })),
  );
}

for (const format of ["sha1", "sha256"] as const) {
  test(`applyBfgObjectMapStream deletes internal references of ${format}`, async (t) => {
    const server = await startTestServer(t);
    const repository = server.repository({ format });
    const parent = writeCommit(repository, { ref: "refs/heads/main" });
    const child = writeCommit(repository, { parents: [parent], ref: "refs/keep-around/child" });
    const other = writeCommit(repository, { content: "other", ref: "refs/keep-around/other" });
    const tree = repository.gitLine(["rev-parse", `${other}^{tree}`]);
    const blob = repository.gitLine(["rev-parse", `${other}:file`]);
    for (const name of ["environments/1", "merge-requests/1/head", "pipelines/1", "tmp/x"]) {
      repository.git(["update-ref", `refs/${name}`, parent]);
    }
    repository.git(["update-ref", "refs/other/1", parent]);
    const missing = "1".repeat(parent.length);
    const map = [
      `${parent} ${missing}`,
      `${missing} ${tree}`,
      `${missing} ${blob}`,
      `${missing} ${child}\r`,
      `${tree} ${missing}`,
      `${other} ${other}`,
      `${parent} ${blob}`,
    ];
    const entries = await apply(server, repository, `${HEADER}${map.join("\n")}`);
    assert.deepEqual(entries, [
      { type: ObjectType.COMMIT, oldOid: parent, newOid: missing },
      { type: ObjectType.TREE, oldOid: missing, newOid: tree },
      { type: ObjectType.BLOB, oldOid: missing, newOid: blob },
      { type: ObjectType.COMMIT, oldOid: missing, newOid: child },
      { type: ObjectType.UNKNOWN, oldOid: tree, newOid: missing },
      { type: ObjectType.COMMIT, oldOid: parent, newOid: blob },
    ]);
    assert.deepEqual(repository.gitLines(["for-each-ref", "--format=%(refname)"]), [
      "refs/heads/main",
      "refs/keep-around/other",
      "refs/other/1",
    ]);
  });
}

test("applyBfgObjectMapStream changes nothing when a line is wrong", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: "refs/keep-around/x" });
  const good = `${commit} ${"0".repeat(40)}\n`;
  for (const [map, message] of [
    ["invalid-data here as you can see", "invalid old object ID at line 0"],
    [`${HEADER}${good}${commit} new\n`, "invalid new object ID at line 2"],
    [`${good}${commit}  ${commit}\n`, "invalid new object ID at line 1"],
    [`${good}\n${good}`, "object map invalid at line 1"],
  ] as const) {
    const call = apply(server, repository, map);
    await assert.rejects(call, { kind: "invalid-argument", message });
  }
  assert.equal(repository.gitLine(["rev-parse", "refs/keep-around/x"]), commit);
});

test("applyBfgObjectMapStream ignores what follows a line that is too long", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: "refs/keep-around/x" });
  const map = `${commit} ${"0".repeat(40)}\n${"x".repeat(65_536)}\nwrong\n`;
  assert.equal((await apply(server, repository, map)).length, 1);
  assert.deepEqual(repository.gitLines(["for-each-ref"]), []);
});

test("applyBfgObjectMapStream works on empty repositories, and on none not at all", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CleanupService);
  assert.deepEqual(await apply(server, server.repository(), ""), []);
  await assert.rejects(collect(client.applyBfgObjectMapStream([])), {
    kind: "internal",
    message: "EOF",
  });
  await assertRepositoryErrors((address) =>
    client.applyBfgObjectMapStream([{ ...(address && { repository: address }) }]),
  );
});

test("applyBfgObjectMapStream fails where an internal reference leads nowhere", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const missing = "1".repeat(40);
  mkdirSync(join(repository.path, "refs", "tmp"));
  writeFileSync(join(repository.path, "refs", "tmp", "x"), `${missing}\n`);
  const call = apply(server, repository, "");
  await assert.rejects(call, { kind: "internal", message: "exit status 128" });
});

test("applyBfgObjectMapStream changes nothing when it is cancelled", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: "refs/keep-around/x" });
  assert.deepEqual(await apply(server, repository, ""), []);
  const controller = new AbortController();
  const { promise: sent, resolve } = Promise.withResolvers<void>();
  const requests = async function* () {
    const objectMap = Buffer.from(`${commit} ${"0".repeat(40)}\n`);
    yield { repository: repository.address, objectMap };
    resolve();
    await new Promise(() => {});
  };
  const client = server.client(CleanupService);
  const call = collect(client.applyBfgObjectMapStream(requests(), { signal: controller.signal }));
  await sent;
  controller.abort();
  await assert.rejects(call);
  assert.equal(repository.gitLine(["rev-parse", "refs/keep-around/x"]), commit);
});
