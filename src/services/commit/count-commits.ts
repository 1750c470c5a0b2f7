import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { WalkOptions } from "../../git/graph/walk-options.ts";
import { binaryFromBytes, textFromBinary } from "../../git/ref/binary-string.ts";
import { parseRevision } from "../../git/revision/revision.ts";
import type { GitCommand, GitFlag } from "../../gitcmd/git-command.ts";
import { GitCommandError, GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { CommitService, CountCommitsRequest } from "../../proto/commit_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { gitCall } from "../common/git-call.ts";
import { isDamage } from "../common/git-failure.ts";
import { approxidateSeconds } from "../common/git-time.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { selectPaths } from "../common/select-paths.ts";
import { resolveTips } from "../common/walk-tips.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type CountCommits = Handler<typeof CommitService.method.countCommits>;

/** Counts the commits that revisions reach; 0 when git doesn't like them. */
export function countCommits(needs: Needs): CountCommits {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    const revisions = parseRevisions(request);
    const repository = openLocated(needs, located, call);
    const walk = await walkOptions(repository, request, revisions, call.signal);
    try {
      const count = walk && (await repository.history.count(walk, call.signal));
      if (count !== undefined) return { count };
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
    return { count: await askGit(needs, repository, request, revisions, call) };
  };
}

/** @returns binary strings */
function parseRevisions({ revisions, revision, all }: CountCommitsRequest): string[] {
  if (revisions.length > 0) return revisions.map(parsePseudoRevision);
  const only = parseRevision(revision, { empty: true });
  if (only === "" && !all) throw invalidArgument("empty Revision and false All");
  return all ? ["--all"] : [only];
}

function parsePseudoRevision(bytes: Uint8Array): string {
  try {
    return parseRevision(bytes, { pseudo: true });
  } catch (error) {
    throw wrapError("invalid-argument", "invalid revision", error);
  }
}

async function walkOptions(
  repository: OpenedRepository,
  { before, after, maxCount, firstParent, path, globalOptions }: CountCommitsRequest,
  revisions: readonly string[],
  signal: AbortSignal,
): Promise<WalkOptions | undefined> {
  const until = before && approxidateSeconds({ ...before, nanos: 0 });
  const since = after && approxidateSeconds({ ...after, nanos: 0 });
  const isLiteral = globalOptions?.literalPathspecs ?? false;
  const paths = selectPaths(path.length > 0 ? [path] : [], isLiteral);
  if (paths === "ask-git" || until === "ask-git" || since === "ask-git") return undefined;
  const tips = await resolveTips(repository, revisions, signal);
  return (
    tips && { tips, firstParent, paths, until, since, limit: maxCount > 0 ? maxCount : undefined }
  );
}

async function askGit(
  { git }: Needs,
  { located }: OpenedRepository,
  request: CountCommitsRequest,
  revisions: readonly string[],
  call: Call,
): Promise<number> {
  try {
    const { stdout } = await git.run(located, countCommand(request, revisions), {
      ...gitCall(call),
      fallback: "history",
    });
    return Number(stdout.toString("latin1"));
  } catch (error) {
    if (error instanceof GitExitError) return 0;
    throw error instanceof GitCommandError ? wrapError("internal", "cmd", error) : error;
  }
}

function countCommand(request: CountCommitsRequest, revisions: readonly string[]): GitCommand {
  const { path, globalOptions, before, after, maxCount, firstParent } = request;
  const flags: GitFlag[] = ["--count"];
  if (before !== undefined) flags.push(`--before=${rfc3339(before)}`);
  if (after !== undefined) flags.push(`--after=${rfc3339(after)}`);
  if (maxCount !== 0) flags.push(`--max-count=${maxCount}`);
  if (firstParent) flags.push("--first-parent");
  return {
    name: "rev-list",
    flags,
    args: revisions.map(textFromBinary),
    paths: path.length > 0 ? [binaryPath(path)] : [],
    literalPathspecs: globalOptions?.literalPathspecs ?? false,
  };
}

function binaryPath(path: Uint8Array): Buffer {
  return Buffer.from(binaryFromBytes(path), "latin1");
}

function rfc3339({ seconds }: Timestamp): string {
  return new Date(Number(seconds) * 1000).toISOString().replace(".000", "");
}
