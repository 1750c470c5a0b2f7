import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

const LONG = "long/".repeat(30);

test("getCustomHooks packs programs, folders and links", async (t) => {
  const server = await startTestServer(t);
  const { path, address: repository } = server.repository();
  const hooks = join(path, "custom_hooks");
  mkdirSync(join(hooks, "update.d"), { recursive: true });
  writeFileSync(join(hooks, "update.d", "program"), "#!/bin/sh\n");
  chmodSync(join(hooks, "update.d", "program"), 0o700);
  writeFileSync(join(hooks, "large"), "x".repeat(300_000));
  symlinkSync("/var/empty", join(hooks, "link"));
  symlinkSync(`${LONG}ä`, join(hooks, "long-link"));
  const replies = await collect(server.client(RepositoryService).getCustomHooks({ repository }));
  const archive = Buffer.concat(replies.map(({ data }) => data));
  const folder = temporaryDirectory(t);
  execFileSync("tar", ["-C", folder, "-xp"], { input: archive });
  const unpacked = join(folder, "custom_hooks");
  const program = join(unpacked, "update.d", "program");
  assert.equal(readFileSync(program, "utf8"), "#!/bin/sh\n");
  assert.equal(lstatSync(program).mode & 0o777, 0o777);
  assert.equal(lstatSync(join(unpacked, "large")).size, 300_000);
  assert.equal(lstatSync(join(unpacked, "large")).mode & 0o777, 0o666);
  assert.equal(readlinkSync(join(unpacked, "link")), "/var/empty");
  assert.equal(readlinkSync(join(unpacked, "long-link")), `${LONG}ä`);
});

test("getCustomHooks packs a link in place of the folder", async (t) => {
  const server = await startTestServer(t);
  const { path, address: repository } = server.repository();
  symlinkSync("/var/empty", join(path, "custom_hooks"));
  const replies = await collect(server.client(RepositoryService).getCustomHooks({ repository }));
  const input = Buffer.concat(replies.map(({ data }) => data));
  const listing = execFileSync("tar", ["-tv"], { input, encoding: "utf8" });
  assert.match(listing, /^l.* custom_hooks -> \/var\/empty\n$/);
});

test("getCustomHooks sends nothing when there are no hooks", async (t) => {
  const server = await startTestServer(t);
  const { address: repository } = server.repository();
  const client = server.client(RepositoryService);
  assert.deepEqual(await collect(client.getCustomHooks({ repository })), []);
  await assertRepositoryErrors((address) =>
    client.getCustomHooks({ ...(address && { repository: address }) }),
  );
});
