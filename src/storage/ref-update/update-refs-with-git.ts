import type { Duplex, Readable } from "node:stream";
import type { Oid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { GitDirectory } from "../../gitcmd/git-directory.ts";
import type { GitRunner, RunOptions } from "../../gitcmd/git-runner.ts";

/** One reference that is to change. */
export interface RefUpdate {
  /** A binary string. */
  readonly name: string;
  /** The zero id to delete it. */
  readonly newOid: Oid;
  /** The zero id for one that must not exist; undefined when it doesn't matter. */
  readonly oldOid: Oid | undefined;
}

/** What git has made of updates. All texts are binary strings. */
export interface UpdateResult {
  /** Why nothing at all was changed, in git's words; undefined when something was. */
  readonly failure: string | undefined;
  /** Why single references weren't changed, by name. */
  readonly rejections: ReadonlyMap<string, string>;
  /** Everything that git has said about it. */
  readonly stderr: string;
}

export interface UpdateWithGitOptions extends Pick<RunOptions, "signal" | "usage" | "hooks"> {
  /** Changes what can be changed, instead of all or nothing. */
  readonly batched: boolean;
  /** Serves the hooks that git runs, over the descriptor that it hands down to them. */
  readonly serveHooks?: (channel: Duplex) => Promise<void>;
}

/** What is kept of git's output: references have at most a line each. */
const OUTPUT_LENGTH_MAX = 64 * 1024 * 1024;

const REJECTED = /^rejected (\S+) \S+ \S+ (.*)$/;

/**
 * Changes references with a git process, which says in its own words what can't be changed.
 *
 * For changes that have failed already: `startRefTransaction` is the way for all others.
 */
export async function updateRefsWithGit(
  git: GitRunner,
  repository: GitDirectory,
  updates: readonly RefUpdate[],
  options: UpdateWithGitOptions,
): Promise<UpdateResult> {
  const { batched, serveHooks, ...rest } = options;
  const flags = ["-z", "--stdin", ...(batched ? ["--batch-updates"] : [])];
  await using process = await git.start(
    repository,
    { name: "update-ref", flags },
    {
      ...rest,
      hooks: rest.hooks ?? "disabled",
      stdin: "pipe",
      stderr: "stream",
      channel: serveHooks !== undefined,
    },
  );
  const serving = process.channel && serveHooks?.(process.channel);
  const lines = updates.map(
    ({ name, newOid, oldOid }) => `update ${name}\0${newOid}\0${oldOid ?? ""}\0`,
  );
  process.feed(bytesFromBinary(lines.join(""))).catch(() => undefined);
  const [stdout, stderr] = await Promise.all([read(process.stdout), read(process.stderr)]);
  const { exitCode, signal } = await process.exited;
  if (signal !== undefined) options.signal.throwIfAborted();
  await serving;
  const rejections = new Map<string, string>();
  for (const line of stdout.split("\n")) {
    const [, name, reason] = REJECTED.exec(line) ?? [];
    if (name !== undefined && reason !== undefined) rejections.set(name, reason);
  }
  return { failure: exitCode === 0 ? undefined : failureText(stderr), rejections, stderr };
}

/** The text that git dies with, which may have several lines. */
function failureText(stderr: string): string {
  const start = /^fatal: /m.exec(stderr);
  return start === null ? stderr : stderr.slice(start.index + start[0].length).replace(/\n$/, "");
}

async function read(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (text.length < OUTPUT_LENGTH_MAX) text += chunk.toString("latin1");
  }
  return text;
}
