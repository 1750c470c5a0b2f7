import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { WalkOptions } from "../../git/graph/walk-options.ts";
import {
  type FindCommitsRequest,
  FindCommitsRequest_Order as Order,
} from "../../proto/commit_pb.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import { selectPaths } from "../common/select-paths.ts";
import { resolveTips } from "../common/walk-tips.ts";
import type { FoundCommit } from "./find-logged-commits.ts";

/**
 * Finds the commits of a FindCommits request in this process. Returns undefined when it asks for
 * something that takes git, or git has to say what is wrong with the revisions.
 */
export async function findWalkedCommits(
  repository: OpenedRepository,
  request: FindCommitsRequest,
  revisions: readonly string[],
  signal: AbortSignal,
): Promise<AsyncIterable<FoundCommit> | undefined> {
  const options = walkOptions(request);
  if (options === undefined) return undefined;
  const tips = await resolveTips(repository, revisions, signal);
  return tips && walk(repository, { ...options, tips }, signal);
}

async function* walk(
  { history }: OpenedRepository,
  options: WalkOptions,
  signal: AbortSignal,
): AsyncGenerator<FoundCommit, void, undefined> {
  for await (const { oid } of history.walk(options, signal)) yield { oid, fields: {} };
}

function walkOptions(request: FindCommitsRequest): Omit<WalkOptions, "tips"> | undefined {
  const { all, limit, offset, skipMerges, firstParent, order, before, after } = request;
  const paths = selectPaths(request.paths, request.globalOptions?.literalPathspecs ?? false);
  const [until, since] = [before && plainSeconds(before), after && plainSeconds(after)];
  if (needsGit(request) || paths === "ask-git") return undefined;
  if (until === "ask-git" || since === "ask-git") return undefined;
  return {
    order: order === Order.TOPO ? "topo" : "default",
    reverse: all,
    paths,
    firstParent,
    parentsMax: skipMerges ? 1 : undefined,
    skip: Math.max(offset, 0),
    limit: limit < 0 ? undefined : limit,
    since,
    until,
  };
}

function needsGit(request: FindCommitsRequest): boolean {
  const { paths, author, includeShortstat, includeReferencedBy, messageRegex } = request;
  // With `follow` the offset is counted differently.
  if (request.follow && (paths.length > 0 || request.offset > 0)) return true;
  if (author.length > 0 || messageRegex !== "") return true;
  return includeShortstat || includeReferencedBy.length > 0;
}

/**
 * Git gets the time as `seconds:1600000000`, which it understands when there are at least nine
 * digits and nothing else.
 */
function plainSeconds({ seconds, nanos }: Timestamp): number | "ask-git" {
  const isPlain = nanos === 0 && seconds >= SECONDS_MIN && seconds <= SECONDS_MAX;
  return isPlain ? Number(seconds) : "ask-git";
}

const SECONDS_MIN = 100_000_000n;
const SECONDS_MAX = 4_102_444_799n;
