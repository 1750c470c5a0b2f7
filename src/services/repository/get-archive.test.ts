import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  GetArchiveRequest_Format as Format,
  RepositoryService,
} from "../../proto/repository_pb.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { writeNoise } from "../../testing/test-commits.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";

/** A commit with a file of this name in each of three nested folders. */
function fixture({ git, gitLine }: ServedRepository): string {
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input: "content" });
  const mktree = (...lines: readonly string[]): string =>
    gitLine(["mktree"], { input: `${lines.join("\n")}\n` });
  const file = `100644 blob ${blob}\t--output=x`;
  const inner = mktree(file);
  const folder = mktree(file, `040000 tree ${inner}\tinner`);
  const root = mktree(file, `040000 tree ${folder}\tfolder`);
  const commit = gitLine(["commit-tree", root, "-m", "message"]);
  git(["update-ref", "refs/heads/main", commit]);
  return commit;
}

const LISTING = new Map<Format, readonly string[]>([
  [Format.ZIP, ["unzip", "-Z1"]],
  [Format.TAR, ["tar", "-tPf"]],
  [Format.TAR_GZ, ["tar", "-tPzf"]],
  [Format.TAR_BZ2, ["tar", "-tPjf"]],
]);

function list(t: TestContext, archive: Buffer, format: Format): string[] {
  const path = join(temporaryDirectory(t), "archive");
  writeFileSync(path, archive);
  const [program = "", ...flags] = LISTING.get(format) ?? [];
  return execFileSync(program, [...flags, path])
    .toString()
    .trim()
    .split("\n");
}

test("getArchive packs files in every format", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const objectFormat of ["sha1", "sha256"] as const) {
    const served = server.repository({ format: objectFormat });
    const commitId = fixture(served);
    const paths = (text: string): Uint8Array => Buffer.from(text);
    for (const format of LISTING.keys()) {
      const names = async (more = {}): Promise<string[]> => {
        const request = { repository: served.address, commitId, format, prefix: "p", ...more };
        const replies = await collect(client.getArchive(request));
        return list(t, Buffer.concat(replies.map(({ data }) => data)), format);
      };
      const inner = ["p/folder/inner/", "p/folder/inner/--output=x"];
      const folder = ["p/folder/", "p/folder/--output=x", ...inner];
      assert.deepEqual(await names(), ["p/", "p/--output=x", ...folder]);
      assert.deepEqual(await names({ commitId: "main", elidePath: true }), await names());
      assert.deepEqual(await names({ path: paths("folder/") }), ["p/", ...folder]);
      assert.deepEqual(await names({ path: paths("--output=x") }), ["p/", "p/--output=x"]);
      assert.deepEqual(await names({ exclude: [paths("./folder/inner/")] }), [
        ...["p/", "p/--output=x"],
        ...folder.slice(0, 2),
      ]);
      const elided = { elidePath: true, path: paths("folder") };
      assert.deepEqual(await names(elided), [
        ...["p/", "p/--output=x"],
        ...["p/inner/", "p/inner/--output=x"],
      ]);
      assert.deepEqual(await names({ ...elided, exclude: [paths("folder/inner")] }), [
        ...["p/", "p/--output=x"],
      ]);
    }
    const request = { repository: served.address, commitId, format: Format.TAR };
    const replies = await collect(client.getArchive(request));
    const archive = Buffer.concat(replies.map(({ data }) => data));
    assert.ok(list(t, archive, Format.TAR).includes("/folder/"));
    const same = served.git(["archive", "--format=tar", "--prefix=/", commitId]);
    assert.ok(archive.equals(same));
  }
});

test("getArchive packs as gzip does", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const served = server.repository();
  const commitId = fixture(served);
  const request = { repository: served.address, commitId, format: Format.TAR_GZ };
  const replies = await collect(client.getArchive(request));
  const input = served.git(["archive", "--format=tar", "--prefix=/", commitId]);
  const expected = execFileSync("gzip", ["-c", "-n"], { input });
  assert.ok(Buffer.concat(replies.map(({ data }) => data)).equals(expected));
});

test("getArchive refuses bad requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const served = server.repository();
  const { address: repository, gitLine } = served;
  const commitId = fixture(served);
  const path = (text: string): Uint8Array => Buffer.from(text);
  const invalid = "invalid-argument";
  const missing = "failed-precondition";
  const cases: [request: object, kind: string, message: string][] = [
    [{ format: 9 }, invalid, "invalid format"],
    [{ commitId: "" }, invalid, "invalid commitId: empty revision"],
    [{ commitId: "-x" }, invalid, "invalid commitId: revision can't start with '-'"],
    [{ path: path("../../x") }, invalid, "relative path escapes root directory"],
    [{ exclude: [path("../../x")] }, invalid, "relative path escapes root directory"],
    [{ commitId: "none" }, "internal", "object not found"],
    [{ path: path("none") }, missing, "path doesn't exist"],
    [{ commitId: gitLine(["mktree"]), path: path(".") }, missing, "path doesn't exist"],
    [{ exclude: [path("folder"), path("none/")] }, missing, "exclude[1] doesn't exist"],
    [
      { elidePath: true, path: path("folder/inner"), exclude: [path("folder")] },
      invalid,
      'invalid exclude: "folder" is not a subdirectory of "folder/inner"',
    ],
  ];
  for (const [request, kind, message] of cases) {
    const call = client.getArchive({ repository, commitId, ...request });
    await assert.rejects(collect(call), { kind, message });
  }
  const blob = gitLine(["rev-parse", "main:--output=x"]);
  await assert.rejects(collect(client.getArchive({ repository, commitId: blob })), {
    kind: "internal",
    message: "object not found",
  });
  await assertRepositoryErrors((address) =>
    client.getArchive({ ...(address && { repository: address }) }),
  );
});

test("getArchive finds nothing in an empty repository", async (t) => {
  const server = await startTestServer(t);
  const { address: repository } = server.repository();
  const call = server.client(RepositoryService).getArchive({ repository, commitId: "HEAD" });
  await assert.rejects(collect(call), { kind: "internal", message: "object not found" });
});

test("getArchive ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const served = server.repository();
  writeNoise(served, 32);
  const gone = new AbortController();
  const request = { repository: served.address, commitId: "main", format: Format.TAR_GZ };
  const replies = client.getArchive(request, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
