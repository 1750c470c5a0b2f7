import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { startTestServer } from "../../testing/test-server.ts";

async function joined(replies: AsyncIterable<{ data: Uint8Array }>): Promise<string> {
  const chunks = (await collect(replies)).map(({ data }) => data);
  return Buffer.concat(chunks).toString("latin1");
}

for (const format of ["sha1", "sha256"] as const) {
  test(`infoRefsReceivePack advertises what can be pushed to, ${format}`, async (t) => {
    const server = await startTestServer(t);
    const repository = server.repository({ format });
    const commit = writeCommit(repository, { ref: "refs/heads/main" });
    for (const ref of ["refs/keep-around/1", "refs/merge-requests/1/head"]) {
      repository.git(["update-ref", ref, commit]);
    }
    repository.git(["tag", "-a", "-m", "annotated", "v1", commit]);
    const tag = repository.gitLine(["rev-parse", "refs/tags/v1"]);
    const client = server.client(SmartHTTPService);
    const text = await joined(client.infoRefsReceivePack({ repository: repository.address }));
    const size = (line: string): string => (line.length + 4).toString(16).padStart(4, "0");
    assert.ok(text.startsWith("001f# service=git-receive-pack\n0000"), text.slice(0, 60));
    assert.match(text, new RegExp(`${commit} refs/heads/main\0.*object-format=${format}`));
    assert.match(text, /push-options/);
    const last = `${tag} refs/tags/v1\n`;
    assert.ok(text.endsWith(`\n${size(last)}${last}0000`), text);
    assert.doesNotMatch(text, /keep-around|merge-requests|\^\{\}| HEAD/);
  });
}

test("infoRefsReceivePack keeps the refs of an object pool to itself", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  writeCommit(repository, { ref: "refs/heads/main" });
  const pool = server.repository();
  const pooled = writeCommit(pool, { content: "pooled\n", ref: "refs/heads/pooled" });
  const alternates = join(repository.path, "objects/info/alternates");
  writeFileSync(alternates, `${join(pool.path, "objects")}\n`);
  const client = server.client(SmartHTTPService);
  const text = await joined(client.infoRefsReceivePack({ repository: repository.address }));
  assert.match(text, /refs\/heads\/main/);
  assert.doesNotMatch(text, /\.have/);
  assert.ok(!text.includes(pooled));
});

test("infoRefsReceivePack advertises an empty repository", async (t) => {
  const server = await startTestServer(t);
  const { address } = server.repository();
  const text = await joined(
    server.client(SmartHTTPService).infoRefsReceivePack({ repository: address }),
  );
  assert.match(text, new RegExp(`${"0".repeat(40)} capabilities\\^\\{\\}\0`));
});

test("infoRefsReceivePack says what is wrong", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(SmartHTTPService);
  await assertRepositoryErrors((repository) =>
    client.infoRefsReceivePack({ ...(repository && { repository }) }),
  );
  const { address, path } = server.repository();
  const refused = { repository: address, gitConfigOptions: ["bad=1"] };
  await assert.rejects(joined(client.infoRefsReceivePack(refused)), {
    kind: "internal",
    message: /^cmd: invalid configuration key "bad": key: /,
  });
  writeFileSync(join(path, "config"), "Not a valid gitconfig");
  await assert.rejects(joined(client.infoRefsReceivePack({ repository: address })), {
    kind: "internal",
    message: "wait: exit status 128",
  });
});
