import assert from "node:assert/strict";
import { test } from "node:test";
import { RemoteService } from "../../proto/remote_pb.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { startGitHttpServer } from "../../testing/git-http-server.ts";
import { createTestRepository, temporaryDirectory } from "../../testing/git-repository.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("findRemoteRepository finds repositories of either object format", async (t) => {
  const client = (await startTestServer(t)).client(RemoteService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = createTestRepository(t, { format });
    const { url } = await startGitHttpServer(t, repository.path);
    assert.equal((await client.findRemoteRepository({ remote: url })).exists, false);
    repository.git(["update-ref", "refs/heads/main", commitFiles(repository, { a: "a" })]);
    assert.equal((await client.findRemoteRepository({ remote: url })).exists, true);
    assert.equal((await client.findRemoteRepository({ remote: repository.path })).exists, true);
  }
});

test("findRemoteRepository finds nothing where no git server is", async (t) => {
  const client = (await startTestServer(t)).client(RemoteService);
  const repository = createTestRepository(t);
  const answers: Record<string, string> = {
    "/text": "58fbff2e0d3b620f591a748c158799ead87b51cd\tHEAD",
    "/moved": "",
  };
  const { port, asked } = await startGitHttpServer(t, repository.path, (request, response) => {
    const [path = ""] = (request.url ?? "").split("/info/");
    const answer = answers[path];
    if (answer === undefined) return false;
    if (path === "/moved") response.writeHead(301, { location: "/repository.git/info/refs" });
    response.end(answer);
    return true;
  });
  for (const remote of [
    `http://127.0.0.1:${port}/text`,
    `http://127.0.0.1:${port}/missing.git`,
    `http://127.0.0.1:${port}/moved`,
    "http://127.0.0.1:1/a.git",
    temporaryDirectory(t),
    "ext::sh -c true",
  ]) {
    assert.equal((await client.findRemoteRepository({ remote })).exists, false, remote);
  }
  assert.equal(
    asked.some(({ url }) => url.startsWith("/repository.git")),
    false,
  );
});

test("findRemoteRepository refuses what is no remote", async (t) => {
  const client = (await startTestServer(t)).client(RemoteService);
  await assert.rejects(client.findRemoteRepository({ remote: "" }), {
    kind: "invalid-argument",
    message: "empty remote can't be checked.",
  });
  await assert.rejects(client.findRemoteRepository({ remote: "--upload-pack=x" }), {
    kind: "internal",
    message:
      "error executing git command: positional arg \"--upload-pack=x\" cannot start with dash '-': invalid argument",
  });
});
