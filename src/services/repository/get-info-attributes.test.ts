import assert from "node:assert/strict";
import { test } from "node:test";
import { type GetInfoAttributesResponse, RepositoryService } from "../../proto/repository_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";

function commit({ git, gitLine }: ServedRepository, mode: string, oid: string): void {
  const tree = gitLine(["mktree"], { input: `${mode} ${oid}\t.gitattributes\n` });
  git(["update-ref", "refs/heads/main", gitLine(["commit-tree", tree, "-m", "message"])]);
}

function text(replies: readonly GetInfoAttributesResponse[]): string {
  return Buffer.concat(replies.map(({ attributes }) => attributes)).toString();
}

test("getInfoAttributes streams the attributes of the default branch", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const format of ["sha1", "sha256"] as const) {
    const served = server.repository({ format });
    const { address: repository, gitLine } = served;
    for (const input of ["*.go diff=go text\n*.jpg -text", "x".repeat(300_000)]) {
      commit(served, "100644 blob", gitLine(["hash-object", "-w", "--stdin"], { input }));
      const replies = await collect(client.getInfoAttributes({ repository }));
      assert.equal(text(replies), input);
      assert.equal(replies.length, Math.ceil(input.length / (128 * 1024)));
    }
  }
});

test("getInfoAttributes sends what git shows of a folder", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const served = server.repository();
  const blob = served.gitLine(["hash-object", "-w", "--stdin"], { input: "content" });
  const folder = served.gitLine(["mktree"], { input: `100644 blob ${blob}\tfile\n` });
  commit(served, "040000 tree", folder);
  const replies = await collect(client.getInfoAttributes({ repository: served.address }));
  assert.equal(text(replies), `100644 blob ${blob}\tfile\n`);
});

test("getInfoAttributes sends one empty reply when there are no attributes", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const served = server.repository();
  const { address: repository, gitLine } = served;
  const assertNone = async (): Promise<void> => {
    const replies = await collect(client.getInfoAttributes({ repository }));
    assert.deepEqual([replies.length, text(replies)], [1, ""]);
  };
  await assertNone();
  commit(served, "100644 blob", gitLine(["hash-object", "-w", "--stdin"]));
  await assertNone();
  await assertRepositoryErrors((address) =>
    client.getInfoAttributes({ ...(address && { repository: address }) }),
  );
});
