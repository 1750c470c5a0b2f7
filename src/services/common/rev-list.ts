import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { quoteBytes } from "../../base/text/quote-bytes.ts";
import type { WalkOptions, WalkOrder } from "../../git/graph/walk-options.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { GitCommand, GitFlag } from "../../gitcmd/git-command.ts";
import { GitExitError } from "../../gitcmd/git-runner.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import { isDamage } from "./git-failure.ts";
import { approxidateSeconds, gitTimeText } from "./git-time.ts";
import type { OpenedRepository } from "./open-repository.ts";
import { outputLines } from "./output-lines.ts";
import type { RevisionNeeds } from "./resolve-revision.ts";
import { selectPaths } from "./select-paths.ts";
import { resolveTips } from "./walk-tips.ts";

/** Which commits `git rev-list` shall list. What is left out restricts nothing. */
export interface RevListOptions {
  /** Binary strings, see `resolveTips`; other pseudo revisions are git's. */
  readonly revisions: readonly string[];
  readonly order?: Exclude<WalkOrder, "author-date">;
  readonly reverse?: boolean;
  /** 0 restricts nothing. */
  readonly parentsMax?: number;
  /** Lists only what the revisions name themselves. */
  readonly noWalk?: boolean;
  readonly firstParent?: boolean;
  readonly before?: Timestamp | undefined;
  readonly after?: Timestamp | undefined;
  /** A regular expression. */
  readonly author?: Uint8Array;
  readonly ignoreCase?: boolean;
  /** Regular expressions of which one has to match. */
  readonly messagePatterns?: readonly Uint8Array[];
  readonly skip?: number;
  readonly paths?: readonly Uint8Array[];
  readonly literalPathspecs?: boolean;
}

/**
 * Lists commits as `git rev-list` does, in this process where it can. Fails as the reference
 * server's pipelines do when git says so.
 */
export async function* revList(
  repository: OpenedRepository,
  options: RevListOptions,
  needs: RevisionNeeds,
  signal: AbortSignal,
): AsyncGenerator<Oid, void, undefined> {
  const walk = await walkOptions(repository, options, signal);
  if (walk === undefined) {
    yield* askGit(repository, options, needs);
    return;
  }
  let count = 0;
  try {
    for await (const { oid } of repository.history.walk(walk, signal)) {
      count++;
      yield oid;
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    // Git knows best what to say about it.
    for await (const oid of askGit(repository, options, needs)) if (--count < 0) yield oid;
  }
}

async function walkOptions(
  repository: OpenedRepository,
  options: RevListOptions,
  signal: AbortSignal,
): Promise<WalkOptions | undefined> {
  const { author, messagePatterns, noWalk, before, after } = options;
  if (noWalk === true || (author?.length ?? 0) > 0) return undefined;
  if ((messagePatterns?.length ?? 0) > 0) return undefined;
  const paths = selectPaths(options.paths ?? [], options.literalPathspecs ?? false);
  const until = before && approxidateSeconds(before);
  const since = after && approxidateSeconds(after);
  if (until === "ask-git" || since === "ask-git" || paths === "ask-git") return undefined;
  const tips = await resolveTips(repository, options.revisions, signal);
  const { order, reverse, firstParent, skip, parentsMax = 0 } = options;
  return (
    tips && {
      ...{ tips, order, reverse, paths, firstParent, skip, since, until },
      parentsMax: parentsMax > 0 ? parentsMax : undefined,
    }
  );
}

async function* askGit(
  { located }: OpenedRepository,
  options: RevListOptions,
  { git, gitCall }: RevisionNeeds,
): AsyncGenerator<Oid, void, undefined> {
  const stdin = bytesFromBinary(options.revisions.join("\n"));
  try {
    const output = git.stream(located, revListCommand(options), {
      ...gitCall(),
      stdin,
      fallback: "history",
    });
    for await (const line of outputLines(output)) {
      const oid = parseOid(line);
      if (oid !== undefined) yield oid;
    }
  } catch (error) {
    throw error instanceof GitExitError ? pipelineFailure(error) : error;
  }
}

/** The error that clients get when `git rev-list` fails in the middle of something larger. */
export function pipelineFailure(error: GitExitError): RpcError {
  const stderr = quoteBytes(bytesFromBinary(error.stderr));
  const message = `rev-list pipeline command: ${error.message}, stderr: ${stderr}`;
  return new RpcError("unknown", message, { cause: error });
}

function revListCommand(options: RevListOptions): GitCommand {
  return {
    name: "rev-list",
    flags: ["--stdin", ...orderFlags(options), ...filterFlags(options)],
    paths: options.paths ?? [],
    literalPathspecs: options.literalPathspecs ?? false,
  };
}

function* orderFlags(options: RevListOptions): Generator<GitFlag, void, undefined> {
  const { order, reverse, parentsMax = 0, noWalk, firstParent } = options;
  if (order === "topo") yield "--topo-order";
  if (order === "date") yield "--date-order";
  if (reverse === true) yield "--reverse";
  if (parentsMax > 0) yield `--max-parents=${parentsMax}`;
  if (noWalk === true) yield "--no-walk";
  if (firstParent === true) yield "--first-parent";
}

function* filterFlags(options: RevListOptions): Generator<GitFlag, void, undefined> {
  const { before, after, author, ignoreCase, messagePatterns = [], skip = 0 } = options;
  if (before !== undefined) yield* dateFlag("--before", before);
  if (after !== undefined) yield* dateFlag("--after", after);
  if (author !== undefined && author.length > 0) yield `--author=${Buffer.from(author)}`;
  if (ignoreCase === true) yield "--regexp-ignore-case";
  for (const pattern of messagePatterns) yield `--grep=${Buffer.from(pattern)}`;
  if (skip > 0) yield `--skip=${skip}`;
}

function* dateFlag(name: string, time: Timestamp): Generator<GitFlag, void, undefined> {
  const text = gitTimeText(time);
  if (text !== undefined) yield `${name}=${text}`;
}
