import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { ObjectFormat } from "../../proto/shared_pb.ts";
import { openTestRepository } from "../../testing/git-repository.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

const place = (relativePath: string): { storageName: string; relativePath: string } => ({
  storageName: TEST_STORAGE,
  relativePath,
});

test("createRepository makes an empty bare repository in either object format", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const [name, objectFormat, format] of [
    ["one", ObjectFormat.SHA1, "sha1"],
    ["two", ObjectFormat.SHA256, "sha256"],
    ["three", ObjectFormat.UNSPECIFIED, "sha1"],
  ] as const) {
    const repository = place(`group/${name}.git`);
    await client.createRepository({ repository, objectFormat });
    const path = join(server.storagePath, repository.relativePath);
    const made = openTestRepository(path, format);
    assert.equal(made.gitLine(["rev-parse", "--show-object-format"]), format);
    assert.equal(made.gitLine(["rev-parse", "--is-bare-repository"]), "true");
    assert.equal(readFileSync(join(path, "HEAD"), "utf8"), "ref: refs/heads/main\n");
    assert.equal(made.git(["fsck", "--strict"]).length, 0);
    assert.equal(existsSync(join(path, "hooks")), false);
  }
  assert.deepEqual(readdirSync(join(server.storagePath, "+gitaly/tmp")), []);
});

test("createRepository makes the second repository of a kind as git makes the first", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const objectFormat of [ObjectFormat.SHA1, ObjectFormat.SHA256]) {
    for (const branch of ["", "trunk"]) {
      const [first, second] = [1, 2].map((count) => `${objectFormat}${branch}${count}.git`);
      for (const relativePath of [first, second]) {
        const repository = place(relativePath ?? "");
        const defaultBranch = Buffer.from(branch);
        await client.createRepository({ repository, objectFormat, defaultBranch });
      }
      assert.deepEqual(contents(second ?? ""), contents(first ?? ""));
    }
  }
  const request = { repository: place("bad.git"), defaultBranch: Buffer.from("a..b") };
  await assert.rejects(client.createRepository(request), {
    message: /^creating repository: creating repository: exit status 128, stderr: "fatal: invalid/,
  });

  function contents(relativePath: string): string[] {
    const root = join(server.storagePath, relativePath);
    const names = readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
    return names.map((name) => {
      const path = join(root, name);
      const { mode } = statSync(path);
      const text = statSync(path).isFile() ? readFileSync(path, "utf8") : "folder";
      return `${name} ${mode.toString(8)} ${text}`;
    });
  }
});

test("createRepository sets the default branch", async (t) => {
  const server = await startTestServer(t);
  const repository = place("branch.git");
  const defaultBranch = Buffer.from("développement");
  await server.client(RepositoryService).createRepository({ repository, defaultBranch });
  const head = readFileSync(join(server.storagePath, "branch.git/HEAD"), "utf8");
  assert.equal(head, "ref: refs/heads/développement\n");
});

test("createRepository refuses what is there, and leaves nothing when git refuses", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address } = server.repository();
  await assert.rejects(client.createRepository({ repository: address }), {
    kind: "already-exists",
    message: "creating repository: repository exists already",
  });
  await assert.rejects(client.createRepository({}), {
    kind: "invalid-argument",
    message: "repository not set",
  });
  const request = { repository: place("bad.git"), defaultBranch: Buffer.from("a..b") };
  await assert.rejects(client.createRepository(request), {
    kind: "internal",
    message: /^creating repository: creating repository: exit status 128, stderr: "fatal: invalid/,
  });
  assert.equal(existsSync(join(server.storagePath, "bad.git")), false);
  assert.deepEqual(readdirSync(join(server.storagePath, "+gitaly/tmp")), []);
});

test("createRepository lets one of many calls for the same place win", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const calls = Array.from({ length: 5 }, () =>
    client.createRepository({ repository: place("contested.git") }),
  );
  const outcomes = await Promise.allSettled(calls);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  assert.deepEqual(readdirSync(server.storagePath).sort(), [
    "+gitaly",
    ".gitaly-metadata",
    "contested.git",
  ]);
});
