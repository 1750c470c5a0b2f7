import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("restoreCustomHooks replaces all hooks by those of the archive", async (t) => {
  const server = await startTestServer(t);
  const { path, address: repository } = server.repository();
  const folder = temporaryDirectory(t);
  mkdirSync(join(folder, "custom_hooks"));
  writeFileSync(join(folder, "custom_hooks", "update"), "program");
  const data = execFileSync("tar", ["-C", folder, "-c", "custom_hooks"]);
  await server.client(RepositoryService).restoreCustomHooks([{ repository, data }]);
  assert.equal(readFileSync(join(path, "custom_hooks", "update"), "utf8"), "program");
});

test("restoreCustomHooks refuses calls about no repository, and no archives", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address: repository } = server.repository();
  const data = Buffer.from("This is a corrupted tar file");
  await assert.rejects(client.restoreCustomHooks([{ repository, data }]), { kind: "internal" });
  await assertRepositoryErrors((address) =>
    client.restoreCustomHooks([{ ...(address && { repository: address }) }]),
  );
});
