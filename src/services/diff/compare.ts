import { DiffFormatError } from "../../git/diff/diff-error.ts";
import type { DiffLimits } from "../../git/diff/diff-limits.ts";
import { DiffReader } from "../../git/diff/diff-reader.ts";
import type { FileDiff } from "../../git/diff/file-diff.ts";
import { type NumStat, NumStatReader } from "../../git/diff/numstat-reader.ts";
import type { ObjectFormat } from "../../git/oid/oid.ts";
import type { GitCommand } from "../../gitcmd/git-command.ts";
import type { GitDirectory } from "../../gitcmd/git-directory.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import { failedPrecondition, internal, wrapError } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { detectObjectFormat } from "../../storage/repository/detect-object-format.ts";
import type { GitCall } from "../common/git-call.ts";
import { startFailure } from "../common/start-failure.ts";

/** What is needed to have git compare something. */
export interface Comparison<Directory extends GitDirectory = GitDirectory> {
  readonly git: GitRunner;
  readonly directory: Directory;
  readonly gitCall: GitCall;
}

/** A repository whose object format is known. */
export interface ComparedDirectory extends GitDirectory {
  readonly objectFormat: ObjectFormat;
}

/** Finds out a repository's object format; `doing` is what clients know about a failure. */
export function withObjectFormat(located: LocatedRepository, doing: string): ComparedDirectory {
  try {
    return { ...located, objectFormat: detectObjectFormat(located.path) };
  } catch (error) {
    throw wrapError("internal", doing, error);
  }
}

/** Yields what git prints. Failing to start it is worded as clients know; `ended` words its failure. */
export async function* printed(
  { git, directory, gitCall }: Comparison,
  command: GitCommand,
  ended: (error: GitExitError) => Error,
  stdin?: Uint8Array,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* git.stream(directory, command, stdin === undefined ? gitCall : { ...gitCall, stdin });
  } catch (error) {
    if (error instanceof GitExitError) throw ended(error);
    throw startFailure("internal", "cmd", error);
  }
}

/**
 * Yields the files that `git diff` with `--raw` and full object ids tells of, within limits. After
 * the last one wanted the rest of git's output is read nevertheless, since git may still fail.
 */
export async function* fileDiffs(
  comparison: Comparison<ComparedDirectory>,
  command: GitCommand,
  limits: DiffLimits = {},
): AsyncGenerator<FileDiff, void, undefined> {
  const reader = new DiffReader(comparison.directory.objectFormat, limits);
  const config = [{ key: "diff.noprefix", value: "false" }];
  try {
    for await (const chunk of printed(comparison, { ...command, config }, comparisonFailed)) {
      yield* reader.push(chunk);
    }
    yield* reader.end();
  } catch (error) {
    if (!(error instanceof DiffFormatError)) throw error;
    throw internal(`parse failure: ${error.message}`, { cause: error });
  }
}

/** Yields how many lines have changed in each file between two commits, at `paths` or everywhere. */
export async function* numStats(
  comparison: Comparison,
  commits: readonly [left: string, right: string],
  paths: readonly Uint8Array[] = [],
): AsyncGenerator<NumStat, void, undefined> {
  const reader = new NumStatReader();
  const command = { name: "diff", flags: ["--numstat", "-z"], args: commits, paths } as const;
  for await (const chunk of printed(comparison, command, comparisonFailed)) {
    yield* reader.push(chunk);
  }
}

function comparisonFailed(error: GitExitError): Error {
  return failedPrecondition(error.message, { cause: error, metadata: error.metadata });
}
