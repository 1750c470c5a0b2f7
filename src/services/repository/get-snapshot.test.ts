import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import type { Client } from "../../rpc/client/client.ts";
import { runTestGit, temporaryDirectory } from "../../testing/git-repository.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { writeCommit, writeNoise } from "../../testing/test-commits.ts";
import { startTestServer, type TestAddress } from "../../testing/test-server.ts";

/** Unpacks the archive into a folder of its own. */
async function unpack(
  t: TestContext,
  client: Client<typeof RepositoryService>,
  repository: TestAddress,
): Promise<{ readonly path: string; readonly names: string[] }> {
  const replies = await collect(client.getSnapshot({ repository }));
  assert.ok(replies.slice(0, -1).every(({ data }) => data.length >= 128 * 1024));
  const path = temporaryDirectory(t);
  const input = Buffer.concat(replies.map(({ data }) => data));
  const names = execFileSync("tar", ["-xvf", "-", "-C", path], { input }).toString();
  return { path, names: names.trim().split("\n") };
}

test("getSnapshot copies references, objects and the format", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const format of ["sha1", "sha256"] as const) {
    for (const refFormat of ["files", "reftable"] as const) {
      const served = server.repository({ format, refFormat });
      const { address, path, git } = served;
      const commit = writeNoise(served, 1);
      git(["repack", "-adq"]);
      git(["pack-refs", "--all", "--no-prune"]);
      writeCommit(served, { ref: `refs/heads/${"x".repeat(150)}/${"é".repeat(100)}` });
      writeFileSync(join(path, "shallow"), "");
      writeFileSync(join(path, "objects/no-object"), "");
      symlinkSync("main", join(path, "refs/link"));
      appendFileSync(join(path, "config"), '[remote "x"]\n\turl = secret\n');
      const { path: copy, names } = await unpack(t, client, address);
      const inCopy = (...args: string[]): string =>
        runTestGit(["--git-dir", copy, ...args], {}).toString();
      assert.equal(inCopy("for-each-ref"), git(["for-each-ref"]).toString());
      assert.equal(inCopy("rev-parse", "main").trim(), commit);
      inCopy("fsck", "--strict", "--no-dangling");
      assert.ok(names.includes("shallow") && names.includes("refs/"));
      assert.deepEqual(
        names.filter((name) => /no-object|link|hooks|description/.test(name)),
        [],
      );
      const config = readFileSync(join(copy, "config"), "utf8");
      assert.match(config, /^\[core\]\n\trepositoryformatversion = \d$/m);
      assert.doesNotMatch(config, /bare|secret|remote/);
      assert.equal(statSync(join(copy, "HEAD")).mode & 0o600, 0o600);
    }
  }
});

test("getSnapshot copies borrowed objects of the same storage", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const [pool, served] = [server.repository(), server.repository()];
  const commit = writeCommit(pool, { ref: "refs/heads/main" });
  const alternates = join(served.path, "objects/info/alternates");
  writeFileSync(alternates, "# pool\n../../repository-0.git/objects\n../missing\n");
  served.git(["update-ref", "refs/heads/main", commit]);
  const { path } = await unpack(t, client, served.address);
  assert.equal(
    runTestGit(["--git-dir", path, "cat-file", "-p", "main:file"], {}).toString(),
    "content\n",
  );
});

test("getSnapshot leaves out alternates outside of the storage", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const served = server.repository();
  const outside = temporaryDirectory(t);
  mkdirSync(join(outside, "aa"));
  writeFileSync(join(outside, "aa", "b".repeat(38)), "object");
  writeFileSync(join(served.path, "objects/info/alternates"), `${outside}\n`);
  const { names } = await unpack(t, client, served.address);
  assert.deepEqual(names, ["HEAD", "config", "refs/", "refs/heads/", "refs/tags/"]);
});

test("getSnapshot says what it could not read", async (t) => {
  const server = await startTestServer(t);
  const { address: repository, path } = server.repository();
  symlinkSync("HEAD", join(path, "packed-refs"));
  await assert.rejects(collect(server.client(RepositoryService).getSnapshot({ repository })), {
    kind: "internal",
    message: /^building snapshot failed: open \/.*\/packed-refs: too many symbolic links/,
  });
});

test("getSnapshot refuses repositories that aren't there", async (t) => {
  const client = (await startTestServer(t)).client(RepositoryService);
  await assertRepositoryErrors((address) =>
    client.getSnapshot({ ...(address && { repository: address }) }),
  );
});

test("getSnapshot ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const served = server.repository();
  writeNoise(served, 32);
  const gone = new AbortController();
  const replies = client.getSnapshot({ repository: served.address }, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
