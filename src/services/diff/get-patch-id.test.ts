import assert from "node:assert/strict";
import { test } from "node:test";
import { DiffService } from "../../proto/diff_pb.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("getPatchID sums up a difference as git does", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    const { address, git } = repository;
    const binary = (...bytes: number[]) => ({ mode: "100644", content: Buffer.of(...bytes) });
    const old = commitFiles(repository, { a: "1\n2\n3\n4\n5\n", b: binary(0, 1), gone: "x" });
    const next = commitFiles(repository, { a: "1\n2\n3\n4\nx\n", b: binary(0, 2), "a b": "y\n" });
    git(["update-ref", "--stdin"], {
      input: Buffer.from(`create refs/heads/\xff ${next}\n`, "latin1"),
    });
    const summary = (args: readonly string[]): string => {
      const input = git(["diff", "--full-index", ...args]);
      return git(["patch-id", "--verbatim"], { input, env: { GIT_DIR: "/nonexistent" } })
        .toString()
        .replace(/ .*\n/, "");
    };
    const id = async (from: string | Buffer, to: string | Buffer, contextFree = false) => {
      const revisions = { oldRevision: Buffer.from(from), newRevision: Buffer.from(to) };
      return (await client.getPatchID({ repository: address, ...revisions, contextFree })).patchId;
    };
    const expected = summary([old, next]);
    assert.match(expected, /^[0-9a-f]{40}$/);
    assert.equal(await id(old, next), expected);
    assert.equal(await id(old, Buffer.of(0xff)), expected);
    assert.equal(await id(old, next, true), summary(["-U0", old, next]));
    assert.notEqual(await id(old, next, true), expected);
    assert.equal(await id(`${old}:a`, `${next}:a`), summary([`${old}:a`, `${next}:a`]));
  }
});

test("getPatchID refuses incomplete requests, unknown revisions and equal ones", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const main = commitFiles(repository, { a: "1" });
  const cases = [
    ["", main, "invalid-argument", "empty OldRevision"],
    [main, "", "invalid-argument", "empty NewRevision"],
    [main, main, "failed-precondition", "no difference between old and new revision"],
    [main, "1".repeat(40), "internal", "waiting for git-diff: exit status 128"],
    [`${main}:b`, main, "internal", "waiting for git-diff: exit status 128"],
    [
      main,
      "-x",
      "internal",
      "spawning diff: positional arg \"-x\" cannot start with dash '-': invalid argument",
    ],
  ] as const;
  for (const [oldRevision, newRevision, kind, message] of cases) {
    const revisions = {
      oldRevision: Buffer.from(oldRevision),
      newRevision: Buffer.from(newRevision),
    };
    await assert.rejects(client.getPatchID({ repository: repository.address, ...revisions }), {
      kind,
      message,
    });
  }
  const empty = server.repository().address;
  const head = { oldRevision: Buffer.from("HEAD~"), newRevision: Buffer.from("HEAD") };
  await assert.rejects(client.getPatchID({ repository: empty, ...head }), {
    message: "waiting for git-diff: exit status 128",
  });
  await assertRepositoryErrors((address) =>
    client.getPatchID({ ...(address && { repository: address }) }),
  );
});

test("getPatchID ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const old = commitFiles(repository, {});
  const next = commitFiles(repository, { large: "line\n".repeat(4_000_000) });
  const request = {
    repository: repository.address,
    oldRevision: Buffer.from(old),
    newRevision: Buffer.from(next),
  };
  const gone = new AbortController();
  const reply = client.getPatchID(request, { signal: gone.signal });
  setImmediate(() => gone.abort());
  await assert.rejects(reply, { kind: "cancelled" });
});
