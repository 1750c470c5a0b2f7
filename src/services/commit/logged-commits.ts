import type { WalkOptions } from "../../git/graph/walk-options.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { textFromBinary } from "../../git/ref/binary-string.ts";
import type { GitFlag } from "../../gitcmd/git-command.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { Call } from "../../rpc/call.ts";
import { gitCall } from "../common/git-call.ts";
import { isDamage } from "../common/git-failure.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import { outputLines } from "../common/output-lines.ts";
import { resolveTips } from "../common/walk-tips.ts";

/** What `git log` shall list, apart from its options. */
export interface LogArguments {
  /** Binary strings; without any it is HEAD. */
  readonly revisions: readonly string[];
  readonly paths?: readonly Uint8Array[];
  readonly literalPathspecs?: boolean;
}

/**
 * Lists commits as `git log` does. When that gives up, for example because a revision doesn't exist,
 * the list just ends.
 */
export async function* logCommits(
  git: GitRunner,
  { located }: OpenedRepository,
  { revisions, paths = [], literalPathspecs = false }: LogArguments,
  flags: readonly GitFlag[],
  call: Call,
): AsyncGenerator<Oid, void, undefined> {
  const command = {
    name: "log",
    flags: ["--pretty=%H", ...flags],
    args: revisions.map(textFromBinary),
    paths,
    literalPathspecs,
  } as const;
  try {
    const options = { ...gitCall(call), fallback: "history" } as const;
    for await (const line of outputLines(git.stream(located, command, options))) {
      const oid = parseOid(line);
      if (oid !== undefined) yield oid;
    }
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
  }
}

/** As `logCommits`, in this process; undefined when it takes git to understand the revisions. */
export async function walkCommits(
  repository: OpenedRepository,
  revisions: readonly string[],
  options: Omit<WalkOptions, "tips">,
  { signal }: Call,
): Promise<AsyncIterable<Oid> | undefined> {
  const starts = revisions.length === 0 ? ["HEAD"] : revisions;
  const tips = await resolveTips(repository, starts, signal);
  return tips && walk(repository, { ...options, tips }, signal);
}

async function* walk(
  { history }: OpenedRepository,
  options: WalkOptions,
  signal: AbortSignal,
): AsyncGenerator<Oid, void, undefined> {
  try {
    for await (const { oid } of history.walk(options, signal)) yield oid;
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
}
