import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { silentLogger } from "../../base/log/logger.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { createRuntimeDirectory, pruneRuntimeDirectories } from "./runtime-directory.ts";

test("the runtime directory carries the process id and goes with its owner", async (t) => {
  const parent = temporaryDirectory(t);
  mkdirSync(join(parent, "gitaly-4711/left/over"), { recursive: true });
  const directory = await createRuntimeDirectory(parent, 4711);
  assert.equal(directory.path, join(parent, "gitaly-4711"));
  assert.equal(directory.internalSocketPath, join(parent, "gitaly-4711/sock.d/intern"));
  assert.deepEqual(readdirSync(directory.path), ["sock.d"]);
  assert.deepEqual(readdirSync(join(directory.path, "sock.d")), []);
  assert.equal(statSync(directory.path).mode & 0o777, 0o700);
  await directory[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(parent), []);
});

test("without a configured place the runtime directory is a temporary one", async () => {
  const directory = await createRuntimeDirectory("", 4711);
  assert.ok(existsSync(join(directory.path, "sock.d")));
  await directory[Symbol.asyncDispose]();
  assert.equal(existsSync(directory.path), false);
});

test("a place too deep for a socket is refused and left clean", async (t) => {
  const parent = join(temporaryDirectory(t), "x".repeat(100));
  mkdirSync(parent);
  await assert.rejects(createRuntimeDirectory(parent, 4711), {
    message:
      "failed creating internal test socket: invalid argument: your socket path is likely too long, please change Gitaly's runtime directory",
  });
  assert.deepEqual(readdirSync(parent), []);
});

test("a place that is not there is refused", async () => {
  await assert.rejects(createRuntimeDirectory("/does/not/exist", 4711), {
    message:
      "creating runtime directory: mkdir /does/not/exist/gitaly-4711: no such file or directory",
  });
});

test("directories of processes that are gone are pruned, nothing else", async (t) => {
  const parent = temporaryDirectory(t);
  // Process ids end far below this one.
  const names = ["gitaly-2147483646", "gitaly-0", `gitaly-${process.pid}`, "gitaly-x", "other"];
  for (const name of names) mkdirSync(join(parent, name, "sock.d"), { recursive: true });
  writeFileSync(join(parent, "gitaly-1"), "a file");
  await pruneRuntimeDirectories(parent, silentLogger);
  assert.deepEqual(
    readdirSync(parent).sort(),
    ["gitaly-1", `gitaly-${process.pid}`, "gitaly-x", "other"].sort(),
  );
  await assert.rejects(pruneRuntimeDirectories(join(parent, "none"), silentLogger), {
    message: /^list gitaly process directory: .*: no such file or directory$/,
  });
});
