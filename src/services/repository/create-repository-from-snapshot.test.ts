import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { type Intercept, startGitHttpServer } from "../../testing/git-http-server.ts";
import { createTestRepository, openTestRepository } from "../../testing/git-repository.ts";
import {
  startTestServer,
  TEST_STORAGE,
  type TestAddress,
  type TestServer,
} from "../../testing/test-server.ts";

const TARGET = { storageName: TEST_STORAGE, relativePath: "made.git" };
const SECRET = "Magic secret";

interface Changes {
  readonly repository: TestAddress;
  readonly httpUrl: string;
  readonly httpAuth: string;
  readonly resolvedAddress: string;
}

function assertNothingLeft({ storagePath }: TestServer): void {
  assert.equal(existsSync(join(storagePath, TARGET.relativePath)), false);
  assert.deepEqual(readdirSync(join(storagePath, "+gitaly/tmp")), []);
}

/** Serves archives by name to those who know the secret. */
function archives(byPath: Readonly<Record<string, Buffer>>): Intercept {
  return (request, response) => {
    const archive = byPath[request.url ?? ""];
    if (request.headers.authorization !== SECRET) response.writeHead(401).end();
    else if (request.url === "/moved") response.writeHead(302, { location: "/a.tar" }).end();
    else if (archive === undefined) response.writeHead(404).end();
    else response.end(archive);
    return true;
  };
}

test("createRepositoryFromSnapshot unpacks what it downloads", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const source = createTestRepository(t);
  const oid = commitFiles(source, { a: "a" });
  source.git(["update-ref", "refs/heads/main", oid]);
  const parts = ["HEAD", "objects", "refs"];
  const archive = execFileSync("tar", ["-c", "-C", source.path, ...parts]);
  const { port } = await startGitHttpServer(t, source.path, archives({ "/a.tar": archive }));
  for (const [name, host, resolvedAddress] of [
    ["one.git", "127.0.0.1", ""],
    ["two.git", "nowhere.example.com", "127.0.0.1"],
  ] as const) {
    const repository = { ...TARGET, relativePath: name };
    const httpUrl = `http://${host}:${port}/a.tar`;
    const request = { repository, httpUrl, httpAuth: SECRET, resolvedAddress };
    await client.createRepositoryFromSnapshot(request);
    const made = openTestRepository(join(server.storagePath, name), "sha1");
    assert.equal(made.gitLine(["rev-parse", "main"]), oid);
    assert.equal(made.git(["fsck", "--strict"]).length, 0);
    assert.equal(made.gitLine(["config", "core.bare"]), "true");
  }
});

test("createRepositoryFromSnapshot leaves nothing of what can't be had", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address: taken, path } = server.repository();
  const { port } = await startGitHttpServer(
    t,
    path,
    archives({ "/bad.tar": Buffer.alloc(2048, "x"), "/empty.tar": Buffer.alloc(0) }),
  );
  const url = `http://127.0.0.1:${port}`;
  const refuses = async (
    changes: Partial<Changes>,
    kind: string,
    message: string,
  ): Promise<void> => {
    const good = { repository: TARGET, httpUrl: `${url}/bad.tar`, httpAuth: SECRET };
    const request = { ...good, ...changes };
    await assert.rejects(client.createRepositoryFromSnapshot(request), {
      kind,
      message: message.replace("…", "creating repository: extracting snapshot"),
    });
    assertNothingLeft(server);
  };
  await refuses({ httpAuth: "wrong" }, "internal", "…: HTTP server: 401 Unauthorized");
  await refuses({ httpUrl: `${url}/no` }, "internal", "…: HTTP server: 404 Not Found");
  await refuses({ httpUrl: `${url}/moved` }, "internal", "…: HTTP server: 302 Found");
  await refuses({}, "internal", "…: exit status 2");
  await refuses({ httpUrl: `${url}/empty.tar` }, "internal", "…: exit status 2");
  await refuses(
    { resolvedAddress: "foo/bar" },
    "invalid-argument",
    '…: creating resolved HTTP client: invalid resolved address "foo/bar"',
  );
  await refuses(
    { httpUrl: "invalid!scheme://invalid.invalid" },
    "invalid-argument",
    '…: Bad HTTP URL: parse "invalid!scheme://invalid.invalid": first path segment in URL cannot contain colon',
  );
  const closed = "http://127.0.0.1:1/a";
  const refusal = "dial tcp 127.0.0.1:1: connect: connection refused";
  const failure = (text: string, why: string): string =>
    `…: HTTP request failed: Get "${text}": ${why}`;
  await refuses({ httpUrl: closed }, "internal", failure(closed, refusal));
  const scheme = 'unsupported protocol scheme "file"';
  await refuses({ httpUrl: "file:///a" }, "internal", failure("file:///a", scheme));
  const exists = "creating repository: repository exists already";
  await refuses({ repository: taken }, "already-exists", exists);
  await assert.rejects(client.createRepositoryFromSnapshot({}), {
    kind: "invalid-argument",
    message: "repository not set",
  });
});

test("createRepositoryFromSnapshot leaves nothing when its caller goes away", async (t) => {
  const server = await startTestServer(t);
  const controller = new AbortController();
  const { port } = await startGitHttpServer(t, "/a/b", (_request, response) => {
    response.writeHead(200).write(Buffer.alloc(100));
    controller.abort();
    return true;
  });
  const made = server
    .client(RepositoryService)
    .createRepositoryFromSnapshot(
      { repository: TARGET, httpUrl: `http://127.0.0.1:${port}/` },
      { signal: controller.signal },
    );
  await assert.rejects(made, { kind: "cancelled" });
  while (readdirSync(join(server.storagePath, "+gitaly/tmp")).length > 0) {
    await new Promise(setImmediate);
  }
  assertNothingLeft(server);
});
