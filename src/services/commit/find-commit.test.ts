import assert from "node:assert/strict";
import { test } from "node:test";
import { CommitService } from "../../proto/commit_pb.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("findCommit finds commits by any revision", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  for (const format of ["sha1", "sha256"] as const) {
    const { address: repository, git, gitLine } = server.repository({ format });
    const tree = gitLine(["mktree"]);
    const parent = gitLine(["commit-tree", tree, "-m", "one"]);
    const commit = gitLine(["commit-tree", tree, "-p", parent, "-m", "two", "-m", "body"]);
    git(["update-ref", "refs/heads/main", commit]);
    git(["tag", "-m", "tagged", "v1.0", "main"]);
    git(["update-ref", "refs/heads/ünïcode", commit]);
    const names = ["main", "HEAD", "heads/main", "v1.0", commit, commit.slice(0, 8), "ünïcode"];
    for (const revision of [...names, "HEAD~0", "main^{commit}", "@", "@{0}"]) {
      const reply = await client.findCommit({ repository, revision: Buffer.from(revision) });
      assert.equal(reply.commit?.id, commit, revision);
      assert.deepEqual(reply.commit.parentIds, [parent]);
      assert.equal(reply.commit.treeId, tree);
      assert.equal(Buffer.from(reply.commit.subject).toString(), "two");
      assert.equal(Buffer.from(reply.commit.body).toString(), "two\n\nbody\n");
    }
    const before = await client.findCommit({ repository, revision: Buffer.from("HEAD~") });
    assert.equal(before.commit?.id, parent);
    for (const revision of ["missing", tree, "HEAD~2", "0".repeat(tree.length), "abcdef"]) {
      const reply = await client.findCommit({ repository, revision: Buffer.from(revision) });
      assert.equal(reply.commit, undefined, revision);
    }
  }
});

test("findCommit sees what has just been written", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository, git, gitLine } = server.repository();
  const revision = Buffer.from("main");
  const tree = gitLine(["mktree"]);
  for (const message of ["one", "two", "three"]) {
    const commit = gitLine(["commit-tree", tree, "-m", message]);
    git(["update-ref", "refs/heads/main", commit]);
    if (message === "two") git(["repack", "-adq"]);
    if (message === "two") git(["pack-refs", "--all"]);
    assert.equal((await client.findCommit({ repository, revision })).commit?.id, commit);
  }
  git(["update-ref", "-d", "refs/heads/main"]);
  assert.equal((await client.findCommit({ repository, revision })).commit, undefined);
});

test("findCommit reads trailers when asked", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository, git, gitLine } = server.repository();
  const commitWith = (message: string | Buffer, encoding = "UTF-8"): Buffer => {
    const args = ["-c", `i18n.commitEncoding=${encoding}`, "commit-tree", gitLine(["mktree"])];
    return Buffer.from(git(args, { input: message }).toString().trim());
  };
  const trailers = async (revision: Buffer): Promise<string[]> => {
    const { commit } = await client.findCommit({ repository, revision, trailers: true });
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
    return (commit?.trailers ?? []).map(({ key, value }) => `${text(key)}=${text(value)}`);
  };
  const message = "subject\n\nbody\n\nSigned-off-by: Ä <a@x>\nsee http://x\nLong: a\n  b\n";
  const plain = commitWith(message);
  assert.deepEqual(await trailers(plain), ["Signed-off-by=Ä <a@x>", "see http=//x", "Long=a b"]);
  const latin1 = commitWith(Buffer.from(message, "latin1"), "ISO-8859-1");
  assert.deepEqual(await trailers(latin1), ["Signed-off-by=Ä <a@x>", "see http=//x", "Long=a b"]);
  assert.deepEqual(await trailers(commitWith("subject only\n")), []);
  const many = Array.from({ length: 70 }, (_, index) => `Key-${index}: value`);
  const cut = await trailers(commitWith(`subject\n\n${many.join("\n")}\n`));
  assert.equal(cut.length, 64);
  const long = `subject\n\nA: b\nC: ${"d".repeat(513)}\nE: f\n`;
  assert.deepEqual(await trailers(commitWith(long)), ["A=b"]);
  const { commit } = await client.findCommit({ repository, revision: plain });
  assert.deepEqual(commit?.trailers, []);
});

test("findCommit shows people as the mailmap of HEAD says", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository, git, gitLine } = server.repository();
  const mailmap = "Proper Name <proper@example.com> <author@example.com>\n";
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input: mailmap });
  const tree = gitLine(["mktree"], { input: `100644 blob ${blob}\t.mailmap\n` });
  const revision = Buffer.from(gitLine(["commit-tree", tree, "-m", "message"]));
  const author = async (enabled?: string): Promise<string> => {
    const metadata = enabled === undefined ? {} : { "gitaly-feature-mailmap-options": enabled };
    const { commit } = await client.findCommit({ repository, revision }, { metadata });
    return `${Buffer.from(commit?.author?.name ?? [])} ${Buffer.from(commit?.author?.email ?? [])}`;
  };
  assert.equal(await author(), "A U Thor author@example.com");
  git(["update-ref", "refs/heads/main", revision.toString()]);
  assert.equal(await author(), "Proper Name proper@example.com");
  assert.equal(await author("true"), "Proper Name proper@example.com");
  assert.equal(await author("false"), "A U Thor author@example.com");
});

test("findCommit refuses invalid revisions", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository } = server.repository();
  const cases = [
    ["", "empty revision"],
    ["-master", "revision can't start with '-'"],
    ["mas:ter", "revision can't contain ':'"],
    ["mas\\ter", "revision can't contain '\\'"],
    ["mas ter", "revision can't contain whitespace"],
    ["mas\0ter", "revision can't contain NUL"],
  ] as const;
  for (const [revision, message] of cases) {
    await assert.rejects(client.findCommit({ repository, revision: Buffer.from(revision) }), {
      kind: "invalid-argument",
      message,
    });
  }
  await assertRepositoryErrors((address) =>
    client.findCommit({ ...(address && { repository: address }) }),
  );
});
