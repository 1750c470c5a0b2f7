import type { ConfigPair } from "../git-command.ts";

/**
 * Settings that git processes always run with.
 *
 * They are the reference server's, key by key: clients and operators see their effects.
 */

/** A redirect could lead a fetch from the outside to a host that only we can reach. */
export const NO_REDIRECTS: ConfigPair = { key: "http.followRedirects", value: "false" };

/** Prints nothing; git appends the alternate's path, which the "#" turns into a comment. */
const NO_ALTERNATE_REFS: ConfigPair = { key: "core.alternateRefsCommand", value: "exit 0 #" };

const NO_TEMPLATES: ConfigPair = { key: "init.templateDir", value: "" };

/** Refs of GitLab's own that nobody can write by a push; the hidden ones aren't advertised either. */
const INTERNAL_REFS: readonly { readonly prefix: string; readonly hidden: boolean }[] = [
  { prefix: "refs/environments/", hidden: false },
  { prefix: "refs/keep-around/", hidden: true },
  { prefix: "refs/merge-requests/", hidden: false },
  { prefix: "refs/pipelines/", hidden: false },
  { prefix: "refs/remotes/", hidden: true },
  { prefix: "refs/tmp/", hidden: true },
];

/** Flaws in objects that old clients have made and that harm nobody. */
const IGNORED_FLAWS = ["badTimezone", "missingSpaceBeforeDate", "zeroPaddedFilemode"];

/**
 * What every command runs with. `transactions`: the transaction manager syncs and locks by itself,
 * on snapshots of its own.
 */
export function globalConfig(transactions: boolean): readonly ConfigPair[] {
  const pairs: ConfigPair[] = [
    // Housekeeping has a schedule of its own.
    { key: "gc.auto", value: "0" },
    { key: "maintenance.auto", value: "0" },
    { key: "core.autocrlf", value: "false" },
    // A replace ref would let a pusher show one commit in place of another.
    { key: "core.useReplaceRefs", value: "false" },
    // Bigger blobs are streamed, not compared and not compressed against others.
    { key: "core.bigFileThreshold", value: "50m" },
    { key: "pack.allowPackReuse", value: "multi" },
    { key: "midx.version", value: "1" },
  ];
  if (transactions) return [...pairs, { key: "core.fsync", value: "none" }];
  return [
    ...pairs,
    { key: "core.fsync", value: "objects,derived-metadata,reference" },
    { key: "core.fsyncMethod", value: "fsync" },
    // Milliseconds to wait for another writer's lock. Deleting a ref rewrites all packed ones.
    { key: "core.packedRefsTimeout", value: "10000" },
    { key: "core.filesRefLockTimeout", value: "1000" },
  ];
}

/** How many threads one git may use: the binary logarithm of the CPUs, so that many can run. */
export function threadsFor(cpuCount: number): string {
  return String(Math.max(1, Math.floor(Math.log2(cpuCount))));
}

export function packConfig(cpuCount: number): readonly ConfigPair[] {
  return [
    { key: "pack.windowMemory", value: "100m" },
    { key: "pack.writeReverseIndex", value: "true" },
    { key: "pack.threads", value: threadsFor(cpuCount) },
  ];
}

/** Objects from outside are checked, except for flaws that much real history has. */
export function fsckConfig(prefix: "fsck" | "fetch.fsck" | "receive.fsck"): readonly ConfigPair[] {
  const ignored = IGNORED_FLAWS.map((flaw) => ({ key: `${prefix}.${flaw}`, value: "ignore" }));
  return [{ key: "transfer.fsckObjects", value: "true" }, ...ignored];
}

export function initConfig(): readonly ConfigPair[] {
  return [{ key: "init.defaultBranch", value: "main" }, NO_TEMPLATES];
}

export function cloneConfig(cpuCount: number): readonly ConfigPair[] {
  return [
    NO_TEMPLATES,
    NO_REDIRECTS,
    { key: "transfer.bundleURI", value: "true" },
    ...packConfig(cpuCount),
    ...fsckConfig("fetch.fsck"),
  ];
}

export function fetchConfig(cpuCount: number): readonly ConfigPair[] {
  return [
    // The connectivity check would walk every ref of an object pool.
    NO_ALTERNATE_REFS,
    { key: "fetch.writeCommitGraph", value: "false" },
    NO_REDIRECTS,
    { key: "fetch.recurseSubmodules", value: "no" },
    ...fsckConfig("fetch.fsck"),
    ...packConfig(cpuCount),
  ];
}

export function receivePackConfig(cpuCount: number): readonly ConfigPair[] {
  const unwritable = INTERNAL_REFS.map(({ prefix }) => ({
    key: "receive.hideRefs",
    value: prefix,
  }));
  return [
    NO_ALTERNATE_REFS,
    { key: "receive.advertisePushOptions", value: "true" },
    { key: "receive.autogc", value: "false" },
    ...unwritable,
    ...fsckConfig("receive.fsck"),
    ...packConfig(cpuCount),
  ];
}

export function uploadPackConfig(cpuCount: number): readonly ConfigPair[] {
  const hidden = INTERNAL_REFS.filter((ref) => ref.hidden);
  return [
    { key: "uploadpack.allowFilter", value: "true" },
    { key: "uploadpack.allowAnySHA1InWant", value: "true" },
    ...hidden.map(({ prefix }) => ({ key: "uploadpack.hideRefs", value: prefix })),
    ...packConfig(cpuCount),
  ];
}

export function repackConfig(cpuCount: number): readonly ConfigPair[] {
  return [
    { key: "repack.writeBitmaps", value: "true" },
    { key: "repack.updateServerInfo", value: "false" },
    ...packConfig(cpuCount),
  ];
}
