import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { type TestContext, test } from "node:test";
import {
  GetArchiveRequest_Format as Format,
  RepositoryService,
} from "../../proto/repository_pb.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { collect } from "../../testing/repository-errors.ts";
import { type GitlabAnswer, startTestGitlab } from "../../testing/test-gitlab.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";
import { archiveCacheSettings, gitlabSettings } from "../../testing/test-settings.ts";

const OID = "ab".repeat(32);
const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${OID}\nsize 18\n`;

/** A commit with a pointer, and a large file that should have been one. */
function fixture({ git, gitLine }: ServedRepository): string {
  const hash = (input: string): string => gitLine(["hash-object", "-w", "--stdin"], { input });
  const entries = {
    ".gitattributes": "*.lfs filter=lfs diff=lfs merge=lfs -text\n",
    "large.lfs": "x".repeat(200_000),
    "pointer.lfs": POINTER,
    "pointer.txt": POINTER,
  };
  const lines = Object.entries(entries).map(([name, text]) => `100644 blob ${hash(text)}\t${name}`);
  const tree = gitLine(["mktree"], { input: `${lines.join("\n")}\n` });
  const commit = gitLine(["commit-tree", tree, "-m", "message"]);
  git(["update-ref", "refs/heads/main", commit]);
  return commit;
}

async function start(t: TestContext, answer: GitlabAnswer, hasCache = false) {
  const gitlab = await startTestGitlab(t, answer);
  const server = await startTestServer(t, {
    gitlab: gitlabSettings({ url: `http://${gitlab.host}`, secret: "secret" }),
    archiveCache: archiveCacheSettings({
      enabled: hasCache,
      dir: temporaryDirectory(t),
      maxAgeMs: 3_600_000,
      minOccurrences: 1,
    }),
  });
  const repository = server.repository();
  const commitId = fixture(repository);
  const get = async (request: object): Promise<Buffer> => {
    const client = server.client(RepositoryService);
    const asked = { repository: { ...repository.address, glRepository: "project-1" }, commitId };
    const replies = await collect(client.getArchive({ ...asked, ...request }));
    return Buffer.concat(replies.map(({ data }) => data));
  };
  return { gitlab, repository, get };
}

function fileOf(archive: Buffer, name: string): string {
  return execFileSync("tar", ["-xPOf", "-", `p/${name}`], { input: archive }).toString();
}

const WITH_LFS = { format: Format.TAR, prefix: "p", includeLfsBlobs: true };

test("getArchive puts the files of LFS in place of their pointers", async (t) => {
  // Longer than a packet of the protocol between git and its filters.
  const content = "the real content ".repeat(20_000);
  const { gitlab, get } = await start(t, { body: content });
  const archive = await get(WITH_LFS);
  assert.equal(fileOf(archive, "pointer.lfs"), content);
  assert.equal(fileOf(archive, "pointer.txt"), POINTER);
  assert.equal(fileOf(archive, "large.lfs"), "x".repeat(200_000));
  const [request, ...more] = gitlab.received;
  assert.equal(request?.url, `/api/v4/internal/lfs?gl_repository=project-1&oid=${OID}`);
  assert.equal(typeof request?.headers["gitlab-shell-api-request"], "string");
  assert.deepEqual(more, []);
});

test("getArchive leaves pointers where nobody asks for the files", async (t) => {
  const { gitlab, get } = await start(t, { body: "content" });
  assert.equal(fileOf(await get({ ...WITH_LFS, includeLfsBlobs: false }), "pointer.lfs"), POINTER);
  assert.deepEqual(gitlab.received, []);
});

for (const answer of [{ status: 404 }, { status: 500 }, { status: 204 }]) {
  test(`getArchive leaves pointers when GitLab answers with ${answer.status}`, async (t) => {
    const { gitlab, get } = await start(t, answer);
    assert.equal(fileOf(await get(WITH_LFS), "pointer.lfs"), POINTER);
    assert.equal(gitlab.received.length, 1);
  });
}

test("getArchive keeps an archive that is asked for again", async (t) => {
  const { gitlab, get, repository } = await start(t, { body: "content" }, true);
  const first = await get({ ...WITH_LFS, commitId: "main" });
  for (const askedCount of [2, 2]) {
    assert.deepEqual(await get({ ...WITH_LFS, commitId: "main" }), first);
    assert.equal(gitlab.received.length, askedCount);
  }
  assert.notDeepEqual(await get({ ...WITH_LFS, format: Format.ZIP }), first);
  const without = await get({ ...WITH_LFS, includeLfsBlobs: false });
  assert.equal(fileOf(without, "pointer.lfs"), POINTER);
  const tree = repository.gitLine(["mktree"], { input: "" });
  const sub = repository.gitLine(["mktree"], { input: `040000 tree ${tree}\tempty\n` });
  repository.git(["update-ref", "refs/heads/main", repository.gitLine(["commit-tree", sub])]);
  const later = await get({ ...WITH_LFS, commitId: "main" });
  assert.throws(() => fileOf(later, "pointer.lfs"));
});
