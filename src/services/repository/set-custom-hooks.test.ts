import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { eventually } from "../../testing/processes.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer, type TestAddress } from "../../testing/test-server.ts";
import { beginTransaction, votesOn } from "../../testing/transaction-client.ts";

function archiveOf(t: TestContext, ...options: string[]): Buffer {
  const folder = temporaryDirectory(t);
  mkdirSync(join(folder, "custom_hooks", "pre-receive.d"), { recursive: true });
  writeFileSync(join(folder, "custom_hooks", "pre-receive.d", "program"), "#!/bin/sh\n");
  chmodSync(join(folder, "custom_hooks", "pre-receive.d", "program"), 0o755);
  writeFileSync(join(folder, "custom_hooks", "data"), "x".repeat(200_000));
  symlinkSync("/var/empty", join(folder, "custom_hooks", "link"));
  return execFileSync("tar", ["-C", folder, "-c", ...options, "custom_hooks"]);
}

function* requests(repository: TestAddress, archive: Buffer) {
  yield { repository, data: archive.subarray(0, 100) };
  for (let start = 100; start < archive.length; start += 40_000) {
    yield { data: archive.subarray(start, start + 40_000) };
  }
}

async function setUp(t: TestContext) {
  const server = await startTestServer(t);
  const { path, address } = server.repository();
  const temporary = join(server.storagePath, "+gitaly", "tmp");
  return {
    hooks: join(path, "custom_hooks"),
    address,
    client: server.client(RepositoryService),
    leftovers: () => (existsSync(temporary) ? readdirSync(temporary) : []),
  };
}

test("setCustomHooks replaces all hooks by those of the archive", async (t) => {
  const { hooks, address, client, leftovers } = await setUp(t);
  mkdirSync(hooks);
  writeFileSync(join(hooks, "old"), "");
  await client.setCustomHooks(requests(address, archiveOf(t)));
  assert.deepEqual(readdirSync(hooks).sort(), ["data", "link", "pre-receive.d"]);
  const program = join(hooks, "pre-receive.d", "program");
  assert.equal(readFileSync(program, "utf8"), "#!/bin/sh\n");
  assert.equal(statSync(program).mode & 0o777, 0o755);
  assert.equal(statSync(join(hooks, "data")).size, 200_000);
  assert.equal(readlinkSync(join(hooks, "link")), "/var/empty");
  assert(!existsSync(`${hooks}.lock`));
  assert.deepEqual(leftovers(), []);
});

test("setCustomHooks takes no archive, or one without hooks, for no hooks", async (t) => {
  const { hooks, address, client, leftovers } = await setUp(t);
  const folder = temporaryDirectory(t);
  writeFileSync(join(folder, "other"), "");
  const other = execFileSync("tar", ["-C", folder, "-c", "other"]);
  for (const archive of [Buffer.alloc(0), other]) {
    mkdirSync(hooks, { recursive: true });
    writeFileSync(join(hooks, "old"), "");
    await client.setCustomHooks([{ repository: address, data: archive }]);
    assert.deepEqual(readdirSync(hooks), []);
  }
  assert.deepEqual(leftovers(), []);
});

test("setCustomHooks changes nothing when the archive is damaged or leads elsewhere", async (t) => {
  const { hooks, address, client, leftovers } = await setUp(t);
  mkdirSync(hooks);
  writeFileSync(join(hooks, "old"), "");
  const archive = archiveOf(t);
  for (const data of [
    Buffer.from("This is a corrupted tar file"),
    archive.subarray(0, 100_000),
    archiveOf(t, "--transform=s,data,../../escaped,"),
    archiveOf(t, "--transform=s,pre-receive.d/program,link/escaped,S"),
  ]) {
    const call = client.setCustomHooks(requests(address, data));
    const doing = "setting custom hooks: extracting hooks";
    const message = `${doing}: waiting for tar command completion: exit status 2`;
    await assert.rejects(call, { kind: "internal", message });
  }
  assert.deepEqual(readdirSync(hooks), ["old"]);
  assert(!existsSync(`${hooks}.lock`));
  assert.deepEqual(leftovers(), []);
});

test("setCustomHooks doesn't wait for others who replace the hooks", async (t) => {
  const { hooks, address, client } = await setUp(t);
  writeFileSync(`${hooks}.lock`, "");
  const call = client.setCustomHooks([{ repository: address }]);
  const message = "setting custom hooks: locking hooks: file already locked";
  await assert.rejects(call, { kind: "internal", message });
  assert(existsSync(`${hooks}.lock`));
});

test("setCustomHooks changes nothing when it is cancelled before the archive's end", async (t) => {
  const { hooks, address, client, leftovers } = await setUp(t);
  mkdirSync(hooks);
  const controller = new AbortController();
  const archive = archiveOf(t);
  const parts = async function* () {
    yield { repository: address, data: archive.subarray(0, 10_000) };
    await new Promise(() => {});
  };
  const call = client.setCustomHooks(parts(), { signal: controller.signal });
  await eventually("the hooks are locked", 60_000, () => existsSync(`${hooks}.lock`));
  controller.abort();
  await assert.rejects(call);
  await eventually("nothing is left", 60_000, () => {
    return leftovers().length === 0 && !existsSync(`${hooks}.lock`);
  });
  assert.deepEqual(readdirSync(hooks), []);
});

test("setCustomHooks votes on the hooks before and after they are in place", async (t) => {
  const server = await startTestServer(t);
  const { path, address } = server.repository();
  const hooks = join(path, "custom_hooks");
  const { channel, metadata, votes } = beginTransaction(t, server);
  const client = createClient(RepositoryService, channel);
  const archive = archiveOf(t, "--exclude=link");
  await client.setCustomHooks(requests(address, archive), { metadata });
  const state = createHash("sha1");
  for (const name of [".", "data", "pre-receive.d", "pre-receive.d/program"]) {
    const stats = statSync(join(hooks, name));
    const mode = Buffer.alloc(4);
    mode.writeUInt32BE((stats.isDirectory() ? 0x80000000 : 0) + (stats.mode & 0o777));
    state.update(name).update(mode);
    if (stats.isFile()) state.update(readFileSync(join(hooks, name)));
  }
  const hash = state.digest("hex");
  const [preparing] = votesOn("preparing set custom hooks");
  assert.deepEqual(votes, [preparing, `prepared ${hash}`, `committed ${hash}`]);
});

test("setCustomHooks changes nothing when other servers set other hooks", async (t) => {
  const server = await startTestServer(t);
  const { path, address } = server.repository();
  const archive = archiveOf(t, "--exclude=link");
  for (const phase of ["preparing", "prepared"] as const) {
    const { channel, metadata } = beginTransaction(t, server, phase);
    const call = createClient(RepositoryService, channel).setCustomHooks(
      requests(address, archive),
      { metadata },
    );
    const doing = `setting custom hooks: casting ${phase} vote: vote failed`;
    const message = `${doing}: transaction was aborted`;
    await assert.rejects(call, { kind: "internal", message });
    assert(!existsSync(join(path, "custom_hooks")));
    assert(!existsSync(join(path, "custom_hooks.lock")));
  }
});

test("setCustomHooks refuses calls about no repository", async (t) => {
  const { client } = await setUp(t);
  await assert.rejects(client.setCustomHooks([]), {
    kind: "internal",
    message: "getting first request: EOF",
  });
  await assertRepositoryErrors((address) =>
    client.setCustomHooks([{ ...(address && { repository: address }) }]),
  );
});
