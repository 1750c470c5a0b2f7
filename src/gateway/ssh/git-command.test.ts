import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSshGitCommand } from "./git-command.ts";

test("parseSshGitCommand reads what git clients send", () => {
  for (const [line, service, path] of [
    ["git-upload-pack '/a/b.git'", "upload-pack", "/a/b.git"],
    ["git upload-pack '/a/b.git'", "upload-pack", "/a/b.git"],
    ["git-receive-pack 'it'\\''s.git'", "receive-pack", "it's.git"],
    ["git-upload-archive 'wow'\\!'.git'", "upload-archive", "wow!.git"],
    ["git-upload-pack a.git", "upload-pack", "a.git"],
  ] as const) {
    assert.deepEqual(parseSshGitCommand(line), { service, path });
  }
});

test("parseSshGitCommand knows no other command", () => {
  for (const line of [
    "",
    "ls",
    "git-upload-pack",
    "git-upload-pack 'a' 'b'",
    "git-upload-pack 'a'; rm -rf /",
    "git-upload-pack --strict 'a'",
    "git-upload-pack 'a",
    "git-shell 'a'",
    "xgit-upload-pack 'a'",
  ]) {
    assert.equal(parseSshGitCommand(line), undefined, line);
  }
});
