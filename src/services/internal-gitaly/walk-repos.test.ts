import assert from "node:assert/strict";
import { chmodSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { InternalGitaly } from "../../proto/internal_pb.ts";
import { collect } from "../../testing/repository-errors.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

async function fixture(t: TestContext) {
  const server = await startTestServer(t);
  const client = server.client(InternalGitaly);
  const walk = async (): Promise<string[]> => {
    const replies = await collect(client.walkRepos({ storageName: TEST_STORAGE }));
    return replies.map(({ relativePath }) => relativePath);
  };
  return { ...server, server, client, walk };
}

test("walkRepos finds repositories in order, with their times", async (t) => {
  const { server, client, storagePath, walk } = await fixture(t);
  assert.deepEqual(await walk(), []);
  const paths = ["a/b.git", "@hashed/aa/bb/x.git", "a.git", "\u{10000}.git", "\uffff.git"];
  for (const relativePath of paths) server.repository({ relativePath });
  const broken = server.repository({ relativePath: "broken.git" });
  rmSync(join(broken.path, "objects"), { recursive: true });
  server.repository({ relativePath: "+gitaly/tmp/x.git" });
  server.repository({ relativePath: "a.git/objects/inner.git" });
  writeFileSync(join(storagePath, "file"), "x");
  const expected = ["@hashed/aa/bb/x.git", "a/b.git", "a.git", "\uffff.git", "\u{10000}.git"];
  assert.deepEqual(await walk(), expected);
  utimesSync(join(storagePath, "a.git"), 1_700_000_000, 1_600_000_000.25);
  const replies = await collect(client.walkRepos({ storageName: TEST_STORAGE }));
  const { modificationTime } = replies.find(({ relativePath }) => relativePath === "a.git") ?? {};
  assert.equal(modificationTime && timestampMs(modificationTime), 1_600_000_000_250);
});

test("walkRepos takes a link to a repository for one, and for the last of its folder", async (t) => {
  const { server, storagePath, walk } = await fixture(t);
  const { path } = server.repository({ relativePath: "a.git" });
  mkdirSync(join(storagePath, "links"));
  server.repository({ relativePath: "links/c.git" });
  symlinkSync(path, join(storagePath, "links/b.git"));
  symlinkSync(storagePath, join(storagePath, "links/a"));
  assert.deepEqual(await walk(), ["a.git", "links/b.git"]);
});

test("walkRepos goes on when repositories vanish meanwhile", async (t) => {
  const { server, client } = await fixture(t);
  const [, second] = ["a", "b", "c"].map((relativePath) => server.repository({ relativePath }));
  const found: string[] = [];
  for await (const { relativePath } of client.walkRepos({ storageName: TEST_STORAGE })) {
    found.push(relativePath);
    if (second !== undefined) rmSync(second.path, { recursive: true, force: true });
  }
  assert.ok(found.includes("a") && found.includes("c"));
});

test("walkRepos refuses storages that aren't there", async (t) => {
  const { client, storagePath, walk } = await fixture(t);
  await assert.rejects(collect(client.walkRepos({ storageName: "missing" })), {
    kind: "invalid-argument",
    message: "looking up storage: storage name not found",
  });
  await assert.rejects(collect(client.walkRepos({})), {
    kind: "invalid-argument",
    message: "looking up storage: storage name not set",
  });
  if (process.getuid?.() !== 0) {
    chmodSync(storagePath, 0);
    t.after(() => chmodSync(storagePath, 0o755));
    await assert.rejects(walk(), {
      kind: "internal",
      message: `open ${storagePath}: permission denied`,
    });
  }
  rmSync(storagePath, { recursive: true });
  assert.deepEqual(await walk(), []);
});

test("walkRepos stops when the client goes away", async (t) => {
  const { server, client } = await fixture(t);
  for (const relativePath of ["a", "b"]) server.repository({ relativePath });
  const signal = AbortSignal.abort();
  const replies = client.walkRepos({ storageName: TEST_STORAGE }, { signal });
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
