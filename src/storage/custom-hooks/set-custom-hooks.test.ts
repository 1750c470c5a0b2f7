import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createTestRepository, temporaryDirectory } from "../../testing/git-repository.ts";
import { RepositoryLocator } from "../locator/repository-locator.ts";
import { SetCustomHooksError, setCustomHooks } from "./set-custom-hooks.ts";

const signal = new AbortController().signal;

function setUp(t: TestContext) {
  const storage = temporaryDirectory(t);
  const { git } = createTestRepository(t);
  const path = join(storage, "a.git");
  git(["clone", "-q", "--bare", ".", path]);
  const locator = new RepositoryLocator(new Map([["default", storage]]));
  const repository = locator.locate({ storageName: "default", relativePath: "a.git" });
  return { storage, path, locator, repository };
}

async function* archiveOf(t: TestContext, folder = "custom_hooks"): AsyncGenerator<Buffer> {
  const from = temporaryDirectory(t);
  mkdirSync(join(from, folder, "pre-receive.d"), { recursive: true });
  writeFileSync(join(from, folder, "update"), "#!/bin/sh\n");
  chmodSync(join(from, folder, "update"), 0o755);
  yield execFileSync("tar", ["-c", "-C", from, folder]);
}

async function* nothing(): AsyncGenerator<Buffer> {}

test("setCustomHooks replaces all hooks, and votes on them", async (t) => {
  const { storage, path, locator, repository } = setUp(t);
  mkdirSync(join(path, "custom_hooks"));
  writeFileSync(join(path, "custom_hooks/old"), "");
  const votes: string[] = [];
  const vote = async (phase: string, content: Uint8Array): Promise<void> => {
    votes.push(`${phase} ${Buffer.from(content).toString("latin1")}`);
  };
  await setCustomHooks(locator, repository, archiveOf(t), { signal, vote });
  assert.deepEqual(readdirSync(join(path, "custom_hooks")).sort(), ["pre-receive.d", "update"]);
  assert.equal(statSync(join(path, "custom_hooks/update")).mode & 0o777, 0o755);
  const folderMode = statSync(join(path, "custom_hooks")).mode & 0o777;
  const mode = (kind: number, bits: number): string => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(kind + bits);
    return bytes.toString("latin1");
  };
  const directory = mode(0x80000000, folderMode);
  const state = `.${directory}pre-receive.d${directory}update${mode(0, 0o755)}#!/bin/sh\n`;
  const expected = [
    "preparing preparing set custom hooks",
    `prepared ${state}`,
    `committed ${state}`,
  ];
  assert.deepEqual(votes, expected);
  assert.deepEqual(readdirSync(join(storage, "+gitaly/tmp")), []);
});

test("setCustomHooks takes an archive without hooks for none", async (t) => {
  const { path, locator, repository } = setUp(t);
  for (const archive of [nothing(), archiveOf(t, "other")]) {
    mkdirSync(join(path, "custom_hooks"), { recursive: true });
    writeFileSync(join(path, "custom_hooks/old"), "");
    await setCustomHooks(locator, repository, archive, { signal });
    assert.deepEqual(readdirSync(join(path, "custom_hooks")), []);
  }
});

test("setCustomHooks changes nothing when it fails", async (t) => {
  const { storage, path, locator, repository } = setUp(t);
  mkdirSync(join(path, "custom_hooks"));
  writeFileSync(join(path, "custom_hooks/old"), "old");
  const garbage = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.alloc(1024, "x");
  };
  await assert.rejects(setCustomHooks(locator, repository, garbage(), { signal }), {
    message: "extracting hooks: waiting for tar command completion: exit status 2",
  });
  const vote = async (phase: string): Promise<void> => {
    if (phase === "prepared") throw new SetCustomHooksError("test", new Error("refused"));
  };
  await assert.rejects(setCustomHooks(locator, repository, archiveOf(t), { signal, vote }), {
    message: /^casting prepared vote: vote failed: test: /,
  });
  writeFileSync(join(path, "custom_hooks.lock"), "");
  await assert.rejects(setCustomHooks(locator, repository, archiveOf(t), { signal }), {
    message: "locking hooks: file already locked",
  });
  assert.equal(readFileSync(join(path, "custom_hooks/old"), "utf8"), "old");
  assert.deepEqual(readdirSync(join(storage, "+gitaly/tmp")), []);
});
