import { DiffFormatError } from "../../git/diff/diff-error.ts";
import type { DiffLimits } from "../../git/diff/diff-limits.ts";
import { DiffReader } from "../../git/diff/diff-reader.ts";
import type { FileDiff } from "../../git/diff/file-diff.ts";
import { type NumStat, NumStatReader } from "../../git/diff/numstat-reader.ts";
import { countFilePairs, printFilePairs } from "../../git/diff/tree/tree-difference.ts";
import type { ObjectFormat } from "../../git/oid/oid.ts";
import type { FallbackReason } from "../../gitcmd/fallback-reason.ts";
import type { GitCommand } from "../../gitcmd/git-command.ts";
import type { GitDirectory } from "../../gitcmd/git-directory.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import { failedPrecondition, internal, wrapError } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { detectObjectFormat } from "../../storage/repository/detect-object-format.ts";
import { bytesContinuedByGit, itemsContinuedByGit } from "../common/continued-by-git.ts";
import type { GitCall } from "../common/git-call.ts";
import { startFailure } from "../common/start-failure.ts";
import type { TreePairs } from "../common/tree-pairs.ts";

/** What is needed to have git compare something. */
export interface Comparison<Directory extends GitDirectory = GitDirectory> {
  readonly git: GitRunner;
  readonly directory: Directory;
  /** Begun only when git has to be asked. */
  readonly gitCall: () => GitCall;
  readonly signal: AbortSignal;
}

/** How to compare in this process; throws an error with a `fallbackReason` where git has to. */
export type FindPairs = () => TreePairs;

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

/** What of git's output is wanted, beside the command. */
export interface PrintOptions {
  readonly stdin?: Uint8Array;
  readonly fallback?: FallbackReason;
}

/** Yields what git prints. Failing to start it is worded as clients know; `ended` words its failure. */
export async function* printed(
  { git, directory, gitCall }: Comparison,
  command: GitCommand,
  ended: (error: GitExitError) => Error,
  options: PrintOptions = {},
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* git.stream(directory, command, { ...gitCall(), ...options });
  } catch (error) {
    if (error instanceof GitExitError) throw ended(error);
    throw startFailure("internal", "cmd", error);
  }
}

/** What of a difference is printed in this process. */
export interface OwnOutput {
  readonly findPairs: FindPairs;
  readonly raw: boolean;
  readonly patches: boolean;
  /** Returns `false` when what comes isn't read any more. */
  readonly isWanted?: () => boolean;
}

/**
 * Yields what a command of git prints: made in this process, or by git from where that isn't
 * possible. Both are the same to the byte.
 */
export async function* printedAlike(
  comparison: Comparison,
  command: GitCommand,
  ended: (error: GitExitError) => Error,
  own: OwnOutput,
): AsyncGenerator<Buffer, void, undefined> {
  yield* bytesContinuedByGit(
    async function* () {
      const { pairs, contents } = own.findPairs();
      yield* printFilePairs(pairs, contents, own, comparison.signal);
    },
    (fallback) => printed(comparison, command, ended, { fallback }),
  );
}

/**
 * Yields the files that `git diff` with `--raw` and full object ids tells of, within limits. After
 * the last one wanted the rest of git's output is read nevertheless, since git may still fail.
 */
export async function* fileDiffs(
  comparison: Comparison<ComparedDirectory>,
  command: GitCommand,
  own: Omit<OwnOutput, "isWanted">,
  limits: DiffLimits = {},
): AsyncGenerator<FileDiff, void, undefined> {
  const reader = new DiffReader(comparison.directory.objectFormat, limits);
  const config = [{ key: "diff.noprefix", value: "false" }];
  const configured = { ...command, config };
  const wanted = { ...own, isWanted: () => !reader.isDone };
  try {
    for await (const chunk of printedAlike(comparison, configured, comparisonFailed, wanted)) {
      yield* reader.push(chunk);
    }
    yield* reader.end();
  } catch (error) {
    if (!(error instanceof DiffFormatError)) throw error;
    throw internal(`parse failure: ${error.message}`, { cause: error });
  }
}

/**
 * Yields how many lines have changed in each file between two commits, as `git diff --numstat`
 * tells it: in this process, or by git from where that isn't possible.
 */
export async function* numStatsAlike(
  comparison: Comparison,
  commits: readonly [left: string, right: string],
  findPairs: FindPairs,
): AsyncGenerator<NumStat, void, undefined> {
  yield* itemsContinuedByGit(
    async function* () {
      const { pairs, contents } = findPairs();
      yield* countFilePairs(pairs, contents, comparison.signal);
    },
    (fallback) => numStats(comparison, commits, { fallback }),
  );
}

/** Yields how many lines have changed in each file between two commits, at `paths` or everywhere. */
export async function* numStats(
  comparison: Comparison,
  commits: readonly [left: string, right: string],
  { paths = [], ...options }: PrintOptions & { readonly paths?: readonly Uint8Array[] },
): AsyncGenerator<NumStat, void, undefined> {
  const reader = new NumStatReader();
  const command = { name: "diff", flags: ["--numstat", "-z"], args: commits, paths } as const;
  for await (const chunk of printed(comparison, command, comparisonFailed, options)) {
    yield* reader.push(chunk);
  }
}

function comparisonFailed(error: GitExitError): Error {
  return failedPrecondition(error.message, { cause: error, metadata: error.metadata });
}
