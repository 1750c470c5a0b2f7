import assert from "node:assert/strict";
import { test } from "node:test";
import { GitConfig } from "../config/git-config.ts";
import { type ReceiveSettings, receiveSettings } from "./receive-settings.ts";

const USUAL = [
  { key: "core.alternateRefsCommand", value: "exit 0 #" },
  { key: "receive.autogc", value: "false" },
] as const;

function settings(
  file: string,
  ...command: readonly { key: string; value: string }[]
): ReceiveSettings | undefined {
  const { entries } = GitConfig.parse(Buffer.from(file));
  return receiveSettings(entries, [...USUAL, ...command]);
}

test("without settings, those of git hold", () => {
  const { hiddenRefs, ...rest } = settings("") ?? {};
  assert.equal(hiddenRefs?.isHidden("refs/heads/main"), false);
  assert.deepEqual(rest, {
    unpackLimit: 100,
    maxInputBytes: 0,
    fsck: undefined,
    keepAliveSeconds: 5,
    deniesDeletes: false,
    deletingCurrentBranch: "unconfigured",
    advertisesAtomic: true,
    advertisesPushOptions: false,
    prefersOffsetDeltas: true,
  });
});

test("the command's settings win over the repository's", () => {
  const file = [
    "[transfer]\nunpackLimit = 7\nfsckObjects = true\nhideRefs = refs/a\n",
    "[receive]\nmaxInputSize = 1k\nkeepAlive = 9\ndenyDeletes\nfsck.x = 1\n",
  ].join("");
  const found = settings(
    file.replace("fsck.x = 1\n", '[receive "fsck"]\nbadTimezone = ignore\n'),
    { key: "receive.keepAlive", value: "0" },
    { key: "receive.hideRefs", value: "!refs/a/b" },
    { key: "RECEIVE.denyDeleteCurrent", value: "Warn" },
    { key: "receive.fsck.missingEmail", value: "warn" },
  );
  assert.equal(found?.unpackLimit, 7);
  assert.equal(found.maxInputBytes, 1024);
  assert.equal(found.keepAliveSeconds, 0);
  assert.equal(found.deniesDeletes, true);
  assert.equal(found.deletingCurrentBranch, "warn");
  assert.equal(found.fsck, "--strict=badtimezone=ignore,missingemail=warn");
  assert.equal(found.hiddenRefs.isHidden("refs/a/c"), true);
  assert.equal(found.hiddenRefs.isHidden("refs/a/b"), false);
});

for (const file of [
  "[include]\npath = x\n",
  '[includeIf "gitdir:x"]\npath = x\n',
  "[core]\nbare = false\n",
  "[core]\nlogAllRefUpdates = true\n",
  "[core]\nsharedRepository = group\n",
  "[receive]\ncertNonceSeed = x\n",
  "[receive]\nprocReceiveRefs = refs/for\n",
  "[receive]\ndenyNonFastForwards = true\n",
  "[receive]\nunpackLimit = many\n",
  "[receive]\ndenyDeletes = perhaps\n",
  '[receive "fsck"]\nnobodyKnowsThis = ignore\n',
  '[transfer]\nfsckObjects = true\n[receive "fsck"]\nbadDate = never\n',
  "[transfer]\nadvertiseSID = true\n",
  "[transfer]\nhideRefs\n",
  '[remote "x"]\npromisor = true\n',
]) {
  test(`git is left to deal with ${JSON.stringify(file)}`, () => {
    assert.equal(settings(file), undefined);
  });
}

test("git is left to clean up, and to ask alternates", () => {
  assert.equal(receiveSettings([], []), undefined);
  assert.equal(settings("", { key: "receive.autogc", value: "true" }), undefined);
  assert.equal(settings("", { key: "core.alternateRefsCommand", value: "cat refs" }), undefined);
  assert.equal(settings("", { key: "core.hooksPath", value: "/x" }), undefined);
});
