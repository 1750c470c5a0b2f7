import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { startTestServer } from "../../testing/test-server.ts";

async function joined(replies: AsyncIterable<{ data: Uint8Array }>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const { data } of replies) chunks.push(data);
  return Buffer.concat(chunks).toString("latin1");
}

test("infoRefsUploadPack advertises what git upload-pack does", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const tree = repository.gitLine(["mktree"]);
  const commit = repository.gitLine(["commit-tree", "-m", "first", tree]);
  repository.git(["update-ref", "refs/heads/main", commit]);
  const client = server.client(SmartHTTPService);

  const plain = await joined(client.infoRefsUploadPack({ repository: repository.address }));
  assert.ok(plain.startsWith(`001e# service=git-upload-pack\n0000`), plain.slice(0, 60));
  assert.match(plain, new RegExp(`${commit} HEAD\0.*allow-reachable-sha1-in-want`));
  assert.match(plain, new RegExp(`003d${commit} refs/heads/main\n0000$`));

  const request = { repository: repository.address, gitProtocol: "version=2" };
  const second = await joined(client.infoRefsUploadPack(request));
  assert.match(second, /000eversion 2\n/);
  assert.doesNotMatch(second, /bundle-uri/);
});

test("infoRefsUploadPack answers in one message, header and all", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: "refs/heads/main" });
  const client = server.client(SmartHTTPService);
  for (const gitProtocol of ["", "", "version=2"]) {
    const request = { repository: repository.address, gitProtocol };
    const sizes: number[] = [];
    for await (const { data } of client.infoRefsUploadPack(request)) sizes.push(data.length);
    assert.equal(sizes.length, 1, `${gitProtocol}: ${sizes}`);
  }
});

test("infoRefsUploadPack tells clients with the feature that there is a bundle", async (t) => {
  const bundles = temporaryDirectory(t);
  const key = join(bundles, "key");
  writeFileSync(key, "secret");
  const goCloudUrl = `file://${bundles}?base_url=http://h/b&secret_key_path=${key}`;
  const server = await startTestServer(t, { bundleUri: { goCloudUrl } });
  const repository = server.repository();
  writeCommit(repository, { ref: "refs/heads/main" });
  const client = server.client(SmartHTTPService);
  const feature = { metadata: { "gitaly-feature-bundle-uri": "true" } };
  const ask = (gitProtocol: string, options = {}) =>
    joined(client.infoRefsUploadPack({ repository: repository.address, gitProtocol }, options));

  assert.doesNotMatch(await ask("version=2", feature), /bundle-uri/);
  const plain = await ask("", feature);
  const request = { repository: repository.address };
  await server.client(RepositoryService).generateBundleURI(request);
  const command = ["upload-pack", "--stateless-rpc", "--advertise-refs", repository.path];
  const config = ["-c", "uploadpack.advertiseBundleURIs=true", "-c", "uploadpack.allowFilter=true"];
  const env = { GIT_PROTOCOL: "version=2" };
  const expected = repository.git([...config, ...command], { env }).toString("latin1");
  const withoutAgent = (text: string) => text.replace(/00..agent=.*\n/, "");
  const told = await ask("version=2", feature);
  assert.equal(withoutAgent(told), `001e# service=git-upload-pack\n0000${withoutAgent(expected)}`);
  assert.match(told, /000fbundle-uri\n0000$/);
  assert.doesNotMatch(await ask("version=2"), /bundle-uri/);
  assert.equal(await ask("", feature), plain);
});

test("infoRefsUploadPack refuses configuration that is no pair", async (t) => {
  const server = await startTestServer(t);
  const { address } = server.repository();
  const client = server.client(SmartHTTPService);
  const replies = client.infoRefsUploadPack({ repository: address, gitConfigOptions: ["bad"] });
  await assert.rejects(joined(replies), {
    kind: "internal",
    message: 'cannot convert invalid config key: "bad"',
  });
});

test("infoRefsUploadPack hides refs that clients have no use for", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository({ format: "sha256" });
  const commit = writeCommit(repository, { ref: "refs/heads/main" });
  const shown = ["refs/environments/1", "refs/merge-requests/1/head", "refs/pipelines/1"];
  const hidden = ["refs/keep-around/1", "refs/remotes/r/x", "refs/tmp/1"];
  for (const ref of [...shown, ...hidden]) repository.git(["update-ref", ref, commit]);
  const client = server.client(SmartHTTPService);
  const request = { repository: repository.address };
  const refsOf = (text: string): string[] =>
    text.match(/(?<= )(?:HEAD|refs\/[\w/-]+)(?=[\0\n])/g) ?? [];
  const text = await joined(client.infoRefsUploadPack(request));
  assert.deepEqual(refsOf(text), [
    "HEAD",
    "refs/environments/1",
    "refs/heads/main",
    ...shown.slice(1),
  ]);
  assert.match(text, /object-format=sha256/);

  const gitConfigOptions = ["transfer.hideRefs=refs"];
  const few = await joined(client.infoRefsUploadPack({ ...request, gitConfigOptions }));
  assert.deepEqual(refsOf(few), ["HEAD"]);
});

test("infoRefsUploadPack says what is wrong with the repository", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(SmartHTTPService);
  await assertRepositoryErrors((repository) =>
    client.infoRefsUploadPack({ ...(repository && { repository }) }),
  );
});
