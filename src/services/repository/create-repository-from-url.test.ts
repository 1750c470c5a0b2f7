import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import {
  CreateRepositoryFromURLErrorSchema,
  RepositoryService,
} from "../../proto/repository_pb.ts";
import { CallError } from "../../rpc/client/call-error.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { requireBasicAuth, startGitHttpServer } from "../../testing/git-http-server.ts";
import {
  createTestRepository,
  openTestRepository,
  type TestRepository,
} from "../../testing/git-repository.ts";
import { startTestServer, TEST_STORAGE, type TestServer } from "../../testing/test-server.ts";

const TARGET = { storageName: TEST_STORAGE, relativePath: "imports/made.git" };

function source(repository: TestRepository): TestRepository {
  const oid = commitFiles(repository, { a: "a" });
  for (const ref of ["refs/heads/main", "refs/tags/t", "refs/merge-requests/1/head"]) {
    repository.git(["update-ref", ref, oid]);
  }
  return repository;
}

const refs = ({ gitLines }: TestRepository): string[] =>
  gitLines(["for-each-ref", "--format=%(refname)"]);

function assertNothingLeft({ storagePath }: TestServer): void {
  assert.equal(existsSync(join(storagePath, TARGET.relativePath)), false);
  assert.deepEqual(readdirSync(join(storagePath, "+gitaly/tmp")), []);
}

test("createRepositoryFromURL clones with the name and password of the URL", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const format of ["sha1", "sha256"] as const) {
    for (const mirror of [false, true]) {
      const remote = source(createTestRepository(t, { format }));
      remote.git(["symbolic-ref", "HEAD", "refs/heads/other"]);
      remote.git(["update-ref", "refs/heads/other", "refs/heads/main"]);
      const auth = requireBasicAuth("joe", "pass!?@");
      const { url } = await startGitHttpServer(t, remote.path, auth);
      const repository = { ...TARGET, relativePath: `imports/${format}-${mirror}.git` };
      await client.createRepositoryFromURL({
        ...{ repository, mirror, url: url.replace("//", "//joe:pass%21%3F%40@") },
        httpAuthorizationHeader: "the URL's own name wins",
      });
      const path = join(server.storagePath, repository.relativePath);
      const made = openTestRepository(path, format);
      const hidden = mirror ? ["refs/merge-requests/1/head"] : [];
      const branches = ["refs/heads/main", "refs/heads/other"];
      assert.deepEqual(refs(made), [...branches, ...hidden, "refs/tags/t"]);
      assert.equal(made.gitLine(["symbolic-ref", "HEAD"]), "refs/heads/other");
      assert.equal(made.git(["fsck", "--strict"]).length, 0);
      assert.equal(made.git(["remote"]).length, 0);
      assert.equal(statSync(path).mode, statSync(server.storagePath).mode);
      assert.doesNotMatch(readFileSync(join(path, "config"), "utf8"), /remote|joe|127\.0/);
      assert.equal(made.gitLine(["config", "core.bare"]), "true");
      assert.equal(existsSync(join(path, "hooks")), false);
    }
  }
});

test("createRepositoryFromURL sends a header, to the address that it is told", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const remote = source(createTestRepository(t));
  const { url, asked } = await startGitHttpServer(t, remote.path);
  await client.createRepositoryFromURL({
    repository: TARGET,
    url: url.replace("127.0.0.1", "nowhere.example.com"),
    httpAuthorizationHeader: "some-token",
    resolvedAddress: "127.0.0.1",
  });
  assert.ok(asked.length > 1);
  for (const { authorization } of asked) assert.equal(authorization, "some-token");
});

test("createRepositoryFromURL drops references of remotes from a mirror, as git does", async (t) => {
  const server = await startTestServer(t);
  const remote = source(createTestRepository(t));
  remote.git(["update-ref", "refs/remotes/x/main", "refs/heads/main"]);
  const request = { repository: TARGET, url: remote.path, mirror: true };
  await server.client(RepositoryService).createRepositoryFromURL(request);
  const made = openTestRepository(join(server.storagePath, TARGET.relativePath), "sha1");
  const expected = ["refs/heads/main", "refs/merge-requests/1/head", "refs/tags/t"];
  assert.deepEqual(refs(made), expected);
});

test("createRepositoryFromURL refuses a place that is taken", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  mkdirSync(join(server.storagePath, "directory"));
  writeFileSync(join(server.storagePath, "file"), "");
  for (const relativePath of ["directory", "file"]) {
    const repository = { ...TARGET, relativePath };
    const made = client.createRepositoryFromURL({ repository, url: "https://example.com/a" });
    await assert.rejects(made, {
      kind: "already-exists",
      message: "creating repository: repository exists already",
    });
  }
});

test("createRepositoryFromURL follows no redirect, and tells of a remote that isn't there", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const remote = createTestRepository(t);
  const { url, asked } = await startGitHttpServer(t, remote.path, (request, response) => {
    if (!request.url?.startsWith("/moved")) return false;
    response.writeHead(301, { location: "/repository.git" }).end();
    return true;
  });
  const moved = url.replace("repository.git", "moved");
  await assert.rejects(client.createRepositoryFromURL({ repository: TARGET, url: moved }), {
    kind: "internal",
    message: "creating repository: cloning repository: exit status 128",
  });
  assert.equal(asked.length, 1);
  const missing = url.replace("repository.git", "missing.git");
  await assert.rejects(
    client.createRepositoryFromURL({ repository: TARGET, url: missing }),
    (error) => {
      assert.ok(error instanceof CallError);
      assert.equal(error.kind, "not-found");
      const message = "creating repository: cloning repository: repository at given URL not found";
      assert.equal(error.message, message);
      const [packed] = error.details;
      assert.ok(packed);
      const { error: reason } = fromBinary(CreateRepositoryFromURLErrorSchema, packed.value);
      return reason.case === "remoteNotFound";
    },
  );
  assertNothingLeft(server);
});

test("createRepositoryFromURL refuses objects that are damaged", async (t) => {
  const server = await startTestServer(t);
  const remote = createTestRepository(t);
  const blob = remote.gitLine(["hash-object", "-w", "--stdin"], { input: "x" });
  const entry = `100644 blob ${blob}\tdup\n`;
  const tree = remote.gitLine(["mktree"], { input: entry + entry });
  const commit = remote.gitLine(["commit-tree", "-m", "m", tree]);
  remote.git(["update-ref", "refs/heads/main", commit]);
  const made = server
    .client(RepositoryService)
    .createRepositoryFromURL({ repository: TARGET, url: `file://${remote.path}` });
  await assert.rejects(made, {
    kind: "internal",
    message: "creating repository: cloning repository: exit status 128",
  });
  assertNothingLeft(server);
});

test("createRepositoryFromURL leaves nothing when its caller goes away", async (t) => {
  const server = await startTestServer(t);
  const controller = new AbortController();
  const { url } = await startGitHttpServer(t, createTestRepository(t).path, () => {
    controller.abort();
    return true;
  });
  const { signal } = controller;
  const made = server
    .client(RepositoryService)
    .createRepositoryFromURL({ repository: TARGET, url }, { signal });
  await assert.rejects(made, { kind: "cancelled" });
  const folder = join(server.storagePath, "+gitaly/tmp");
  while (readdirSync(folder).length > 0) await new Promise(setImmediate);
  assertNothingLeft(server);
});

test("createRepositoryFromURL says what is wrong", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const refuses = async (
    request: Parameters<typeof client.createRepositoryFromURL>[0],
    kind: string,
    message: string,
  ): Promise<void> => assert.rejects(client.createRepositoryFromURL(request), { kind, message });
  const repository = TARGET;
  await refuses({ url: "x" }, "invalid-argument", "repository not set");
  await refuses({ repository }, "invalid-argument", "empty Url");
  const start = "creating repository: starting clone:";
  await refuses(
    { repository, url: "git@example.com:a" },
    "internal",
    `${start} parse "git@example.com:a": first path segment in URL cannot contain colon`,
  );
  await refuses(
    { repository, url: "https://example.com/a", resolvedAddress: "foo" },
    "invalid-argument",
    `${start} couldn't get curloptResolve config: resolved address has invalid IPv4/IPv6 address`,
  );
  await refuses(
    { repository, url: "--config=a" },
    "internal",
    `${start} positional arg "--config=a" cannot start with dash '-': invalid argument`,
  );
});
