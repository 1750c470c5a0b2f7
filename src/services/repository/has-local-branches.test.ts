import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("hasLocalBranches finds branches, however they are stored", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const format of ["sha1", "sha256"] as const) {
    for (const refFormat of ["files", "reftable"] as const) {
      const { address, git, gitLine } = server.repository({ format, refFormat });
      const ask = async (): Promise<boolean> =>
        (await client.hasLocalBranches({ repository: address })).value;
      assert.equal(await ask(), false);
      const tree = gitLine(["hash-object", "-w", "-t", "tree", "--stdin"]);
      const commit = gitLine(["commit-tree", "-m", "one", tree]);
      git(["update-ref", "refs/tags/v1", commit]);
      assert.equal(await ask(), false);
      git(["update-ref", "refs/heads/deep/in/folders", commit]);
      assert.equal(await ask(), true);
      git(["pack-refs", "--all"]);
      assert.equal(await ask(), true);
    }
  }
});

test("hasLocalBranches overlooks what is no reference and refuses a damaged repository", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address, path } = server.repository();
  const branch = join(path, "refs/heads/main");
  writeFileSync(branch, "broken");
  assert.equal((await client.hasLocalBranches({ repository: address })).value, false);
  rmSync(branch);
  mkdirSync(join(path, "packed-refs"));
  await assert.rejects(client.hasLocalBranches({ repository: address }), {
    kind: "internal",
    message: "exit status 128",
  });
});

test("hasLocalBranches refuses requests that name no repository", async (t) => {
  const client = (await startTestServer(t)).client(RepositoryService);
  await assertRepositoryErrors((repository) =>
    client.hasLocalBranches(repository === undefined ? {} : { repository }),
  );
});
