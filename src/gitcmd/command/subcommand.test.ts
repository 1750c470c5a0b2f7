import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigPair } from "../git-command.ts";
import { globalConfig, threadsFor } from "./fixed-config.ts";
import type { GitSubcommand } from "./git-subcommand.ts";
import { subcommandTraits } from "./subcommand.ts";

function configOf(name: GitSubcommand): string[] {
  return lines(subcommandTraits(name)?.config?.(8) ?? []);
}

function lines(pairs: readonly ConfigPair[]): string[] {
  return pairs.map(({ key, value }) => `${key}=${value}`).sort();
}

/** The reference server's settings, in the order of the alphabet. */
const PACK = ["pack.threads=3", "pack.windowMemory=100m", "pack.writeReverseIndex=true"];
const fsck = (prefix: string) => [
  `${prefix}.badTimezone=ignore`,
  `${prefix}.missingSpaceBeforeDate=ignore`,
  `${prefix}.zeroPaddedFilemode=ignore`,
  "transfer.fsckObjects=true",
];

test("receive-pack hides all internal refs from writers and checks objects", () => {
  assert.deepEqual(
    configOf("receive-pack"),
    [
      "core.alternateRefsCommand=exit 0 #",
      ...PACK,
      "receive.advertisePushOptions=true",
      "receive.autogc=false",
      ...fsck("receive.fsck"),
      "receive.hideRefs=refs/environments/",
      "receive.hideRefs=refs/keep-around/",
      "receive.hideRefs=refs/merge-requests/",
      "receive.hideRefs=refs/pipelines/",
      "receive.hideRefs=refs/remotes/",
      "receive.hideRefs=refs/tmp/",
    ].sort(),
  );
});

test("upload-pack hides only the refs that nobody shall see", () => {
  assert.deepEqual(
    configOf("upload-pack"),
    [
      ...PACK,
      "uploadpack.allowAnySHA1InWant=true",
      "uploadpack.allowFilter=true",
      "uploadpack.hideRefs=refs/keep-around/",
      "uploadpack.hideRefs=refs/remotes/",
      "uploadpack.hideRefs=refs/tmp/",
    ].sort(),
  );
});

test("fetches follow no redirects and check objects", () => {
  assert.deepEqual(
    configOf("fetch"),
    [
      "core.alternateRefsCommand=exit 0 #",
      "fetch.recurseSubmodules=no",
      "fetch.writeCommitGraph=false",
      "http.followRedirects=false",
      ...fsck("fetch.fsck"),
      ...PACK,
    ].sort(),
  );
  for (const name of ["clone", "ls-remote", "push", "remote"] as const) {
    assert.ok(configOf(name).includes("http.followRedirects=false"), name);
  }
});

test("git syncs what it writes unless transactions do", () => {
  const general = [
    "core.autocrlf=false",
    "core.bigFileThreshold=50m",
    "core.useReplaceRefs=false",
    "gc.auto=0",
    "maintenance.auto=0",
    "midx.version=1",
    "pack.allowPackReuse=multi",
  ];
  assert.deepEqual(lines(globalConfig(true)), [...general, "core.fsync=none"].sort());
  const synced = [
    "core.filesRefLockTimeout=1000",
    "core.fsync=objects,derived-metadata,reference",
    "core.fsyncMethod=fsync",
    "core.packedRefsTimeout=10000",
  ];
  assert.deepEqual(lines(globalConfig(false)), [...general, ...synced].sort());
});

test("one git takes the binary logarithm of the processors", () => {
  assert.deepEqual([1, 2, 3, 4, 7, 8, 100].map(threadsFor), ["1", "1", "1", "2", "2", "3", "6"]);
});
