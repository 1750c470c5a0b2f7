import { randomBytes } from "node:crypto";
import type { TestContext } from "node:test";
import { createTestRepository, type TestRepository } from "./git-repository.ts";
import { FLUSH, pktLines } from "./pkt-lines.ts";

/** Makes a commit with one file; returns its id. */
export function writeCommit(
  repository: TestRepository,
  {
    content = "content\n",
    parents = [],
    ref,
  }: {
    readonly content?: string | Uint8Array;
    readonly parents?: readonly string[];
    /** Set to the commit, when given. */
    readonly ref?: string;
  } = {},
): string {
  const blob = repository.gitLine(["hash-object", "-w", "--stdin"], { input: content });
  const tree = repository.gitLine(["mktree"], { input: `100644 blob ${blob}\tfile\n` });
  const options = parents.flatMap((parent) => ["-p", parent]);
  const commit = repository.gitLine(["commit-tree", ...options, "-m", "message", tree]);
  if (ref !== undefined) repository.git(["update-ref", ref, commit]);
  return commit;
}

/** Fills a repository with a branch `main` whose only file cannot be compressed. */
export function writeNoise(repository: TestRepository, megabytes: number): string {
  const content = randomBytes(megabytes * 1024 * 1024);
  return writeCommit(repository, { content, ref: "refs/heads/main" });
}

/** One command of a push. Without `to` the ref is deleted, without `from` it is created. */
export interface TestRefUpdate {
  readonly ref: string;
  readonly from?: string;
  readonly to?: string;
}

const CAPABILITIES = "report-status side-band-64k agent=git/2.12.0";

/** What a client sends to receive-pack: the commands, then the pack, made from `source`. */
export function pushBytes(
  source: TestRepository,
  updates: readonly TestRefUpdate[],
  capabilities: string = CAPABILITIES,
): Buffer {
  const zero = "0".repeat(source.format === "sha1" ? 40 : 64);
  const lines = updates.map(({ ref, from = zero, to = zero }, index) => {
    const extra = index > 0 ? "" : `\0 ${capabilities} object-format=${source.format}`;
    return `${from} ${to} ${ref}${extra}`;
  });
  const commands = pktLines(...lines, FLUSH);
  const wanted = updates.flatMap(({ to }) => (to === undefined ? [] : [`${to}\n`]));
  if (wanted.length === 0) return commands;
  const known = updates.flatMap(({ from }) => (from === undefined ? [] : [`^${from}\n`]));
  const flags = ["--stdout", "--revs", "--thin", "--delta-base-offset", "-q"];
  const pack = source.git(["pack-objects", ...flags], { input: [...known, ...wanted].join("") });
  return Buffer.concat([commands, pack]);
}

/** A repository with everything that `served` has, to commit in what shall be pushed. */
export function cloneForPush(t: TestContext, served: TestRepository): TestRepository {
  const source = createTestRepository(t, { format: served.format });
  source.git(["fetch", "-q", served.path, "+refs/*:refs/*"]);
  return source;
}
