import assert from "node:assert/strict";
import { test } from "node:test";
import { DiffService } from "../../proto/diff_pb.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("commitDelta tells the files that differ", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    const blob = (input: string): string =>
      repository.gitLine(["hash-object", "-w", "--stdin"], { input });
    const [old, changed] = [blob("old\n"), blob("new\n")];
    const unique = blob("a text that nothing else has and that tells a rename\n");
    const zero = "0".repeat(old.length);
    const file = (oid: string, mode = "100644") => ({ mode, oid });
    const strange = 'a\tb\n"\\ \xff\xc3\xa4';
    const left = commitFiles(repository, {
      changed: file(old),
      deleted: file(old),
      mode: file(old),
      "renamed-from": file(unique),
      [strange]: file(old),
      type: file(old),
    });
    const right = commitFiles(repository, {
      added: file(changed),
      changed: file(changed),
      mode: file(old, "100755"),
      "renamed-to": file(unique),
      [strange]: file(changed),
      type: file(changed, "120000"),
    });
    const request = { repository: repository.address, leftCommitId: left, rightCommitId: right };
    const ask = async (paths: readonly string[] = []) => {
      const bytes = paths.map((path) => Buffer.from(path, "latin1"));
      const replies = await collect(client.commitDelta({ ...request, paths: bytes }));
      return replies
        .flatMap(({ deltas }) => deltas)
        .map(({ fromPath, toPath, fromId, toId, oldMode, newMode }) => [
          Buffer.from(fromPath).toString("latin1"),
          Buffer.from(toPath).toString("latin1"),
          fromId,
          toId,
          oldMode,
          newMode,
        ]);
    };
    const expected = [
      [strange, strange, old, changed, 0o100644, 0o100644],
      ["added", "added", zero, changed, 0, 0o100644],
      ["changed", "changed", old, changed, 0o100644, 0o100644],
      ["deleted", "deleted", old, zero, 0o100644, 0],
      ["mode", "mode", old, old, 0o100644, 0o100755],
      ["renamed-from", "renamed-to", unique, unique, 0o100644, 0o100644],
      ["type", "type", old, zero, 0o100644, 0],
      ["type", "type", zero, changed, 0, 0o120000],
    ];
    assert.deepEqual(await ask(), expected);
    assert.deepEqual(await ask(["mode", strange, "none"]), [expected[0], expected[4]]);
  }
});

test("commitDelta fills replies up to a size", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const names = Array.from({ length: 100 }, (_, index) => `file-${String(index).padStart(3, "0")}`);
  const left = commitFiles(repository, {});
  const right = commitFiles(repository, Object.fromEntries(names.map((name) => [name, name])));
  const request = { repository: repository.address, leftCommitId: left, rightCommitId: right };
  const replies = await collect(client.commitDelta(request));
  // Each delta counts 2 ids, 8 bytes of modes and 2 paths: 104 bytes of 5120.
  assert.deepEqual(
    replies.map(({ deltas }) => deltas.length),
    [50, 50],
  );
  assert.deepEqual(await collect(client.commitDelta({ ...request, rightCommitId: left })), []);
});

test("commitDelta refuses incomplete requests and unknown commits", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const { address: repository } = server.repository();
  const missing = "1".repeat(40);
  const cases = [
    ["", missing, "invalid-argument", "empty LeftCommitId"],
    [missing, "", "invalid-argument", "empty RightCommitId"],
    [missing, missing, "failed-precondition", "exit status 128"],
    [
      "--all",
      missing,
      "internal",
      "cmd: positional arg \"--all\" cannot start with dash '-': invalid argument",
    ],
    [missing, "a\0", "internal", 'cmd: detected null byte in command argument "a\\x00"'],
  ] as const;
  for (const [leftCommitId, rightCommitId, kind, message] of cases) {
    const replies = client.commitDelta({ repository, leftCommitId, rightCommitId });
    await assert.rejects(collect(replies), { kind, message });
  }
  await assertRepositoryErrors((address) =>
    client.commitDelta({ ...(address && { repository: address }) }),
  );
});

test("commitDelta ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const names = Array.from({ length: 20_000 }, (_, index) => `file-${index}-${"x".repeat(100)}`);
  const leftCommitId = commitFiles(repository, {});
  const files = Object.fromEntries(names.map((name) => [name, ""]));
  const request = {
    repository: repository.address,
    leftCommitId,
    rightCommitId: commitFiles(repository, files),
  };
  const gone = new AbortController();
  const replies = client.commitDelta(request, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
