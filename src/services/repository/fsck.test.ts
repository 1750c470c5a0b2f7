import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("fsck finds nothing wrong with good repositories", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const format of ["sha1", "sha256"] as const) {
    const served = server.repository({ format });
    const { address: repository } = served;
    assert.equal((await client.fsck({ repository })).error.length, 0);
    writeCommit(served, { ref: "refs/heads/main" });
    served.git(["hash-object", "-w", "--stdin"], { input: "dangling" });
    assert.equal((await client.fsck({ repository })).error.length, 0);
    assert.equal((await client.fsck({ repository, repoOnly: true })).error.length, 0);
  }
});

test("fsck answers what git says about damage", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const served = server.repository();
  const { address: repository, path, git, gitLine } = served;
  const check = async (): Promise<string> =>
    Buffer.from((await client.fsck({ repository })).error).toString();
  const commit = writeCommit(served, { ref: "refs/heads/main" });
  const id = Buffer.from(gitLine(["rev-parse", "main:file"]), "hex");
  const entry = Buffer.concat([Buffer.from("100644 same\0"), id]);
  const input = Buffer.concat([entry, entry]);
  const tree = gitLine(["hash-object", "-t", "tree", "-w", "--stdin", "--literally"], { input });
  assert.equal(
    await check(),
    `error in tree ${tree}: duplicateEntries: contains duplicate file entries\n`,
  );
  rmSync(join(path, "objects", tree.slice(0, 2), tree.slice(2)));
  const blob = gitLine(["rev-parse", "main:file"]);
  rmSync(join(path, "objects", blob.slice(0, 2), blob.slice(2)));
  const broken = `broken link from    tree ${gitLine(["rev-parse", "main^{tree}"])}\n`;
  assert.equal(await check(), `${broken}              to    blob ${blob}\nmissing blob ${blob}\n`);
  git(["hash-object", "-w", "--stdin"], { input: "content\n" });
  rmSync(join(path, "objects", commit.slice(0, 2)), { recursive: true });
  assert.equal(
    await check(),
    `error: refs/heads/main: invalid sha1 pointer ${commit}\n` +
      `error: HEAD: invalid sha1 pointer ${commit}\n` +
      "notice: No default references\n",
  );
  rmSync(join(path, "objects"), { recursive: true });
  writeFileSync(join(path, "objects"), "");
  assert.equal(await check(), `fatal: not a git repository: '${path}'\n`);
});

test("fsck refuses repositories that aren't there", async (t) => {
  const client = (await startTestServer(t)).client(RepositoryService);
  await assertRepositoryErrors((address) =>
    client.fsck({ ...(address && { repository: address }) }),
  );
});
