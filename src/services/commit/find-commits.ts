import type { Mailmap } from "../../git/mailmap/mailmap.ts";
import { ObjectNotFoundError } from "../../git/object/object-error.ts";
import { parseRevision } from "../../git/revision/revision.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { CommitService, FindCommitsRequest } from "../../proto/commit_pb.ts";
import type { GitCommit } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { readTrailers } from "../common/commit-trailers.ts";
import { defaultBranch } from "../common/default-branch.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { gitCommit } from "../common/git-commit.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { gitCommitSize } from "../common/message-size.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { readObject } from "../common/read-commit.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";
import { type FoundCommit, findLoggedCommits } from "./find-logged-commits.ts";
import { findWalkedCommits } from "./find-walked-commits.ts";
import { logFailure } from "./log-failure.ts";

type Needs = ReadNeeds & { readonly git: GitRunner; readonly mailmaps: Mailmaps };
type FindCommits = Handler<typeof CommitService.method.findCommits>;

/** Lists commits as `git log` does, from the default branch unless the request says otherwise. */
export function findCommits(needs: Needs): FindCommits {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const revision = parseRevision(request.revision, { empty: true });
    const repository = openLocated(needs, located, call);
    const revisions = chooseRevisions(repository, request, revision);
    if (request.paths.some((path) => path.length === 0)) {
      throw invalidArgument("path is empty string");
    }
    const chunk = new ReplyChunk(gitCommitSize);
    let failure: Error | undefined;
    try {
      for await (const commit of find(needs, repository, request, revisions, call)) {
        const full = chunk.add(commit);
        if (full !== undefined) yield { commits: full };
      }
    } catch (error) {
      // What was found until then goes out first.
      failure = logFailure(error);
    }
    const commits = chunk.rest();
    if (commits !== undefined) yield { commits };
    if (failure !== undefined) throw failure;
  };
}

/** The revisions to start from, as binary strings; `--all` comes before the other one. */
function chooseRevisions(
  { refs }: OpenedRepository,
  { all }: FindCommitsRequest,
  revision: string,
): string[] {
  if (all) return revision === "" ? ["--all"] : ["--all", revision];
  if (revision !== "") return [revision];
  try {
    return [defaultBranch(refs)];
  } catch (error) {
    throw wrapError("internal", "defaultBranchName", error);
  }
}

async function* find(
  { git, mailmaps }: Needs,
  repository: OpenedRepository,
  request: FindCommitsRequest,
  revisions: readonly string[],
  call: Call,
): AsyncGenerator<GitCommit, void, undefined> {
  const ask = { git, gitCall: lazyGitCall(call) };
  const mailmap = mailmaps.find(repository, call);
  const walked = await findWalkedCommits(repository, request, revisions, call.signal);
  const all = walked ?? findLoggedCommits(repository, request, revisions, ask);
  for await (const found of all) {
    const wantsTrailers = request.trailers && found.fields.trailers === undefined;
    const trailersBy = wantsTrailers ? ask : undefined;
    yield await readFound(repository, found, mailmap, trailersBy, call.signal);
  }
}

/** @param trailersBy reads trailers, if they are wanted and git hasn't told about them */
async function readFound(
  repository: OpenedRepository,
  { oid, fields }: FoundCommit,
  mailmap: Mailmap | undefined,
  trailersBy: RevisionNeeds | undefined,
  signal: AbortSignal,
): Promise<GitCommit> {
  const object = await readObject(repository.objects, oid, signal);
  if (object === undefined) throw new ObjectNotFoundError(oid);
  const commit = gitCommit(oid, object.content, mailmap);
  if (trailersBy !== undefined) {
    commit.trailers = await readTrailers(repository, object, commit, trailersBy);
  }
  return Object.assign(commit, fields);
}
