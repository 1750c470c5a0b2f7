import { ObjectNotFoundError } from "../../git/object/object-error.ts";
import { parseRevision } from "../../git/revision/revision.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import {
  type CommitService,
  type FindCommitsRequest,
  FindCommitsResponseSchema,
} from "../../proto/commit_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { EncodingHandler } from "../../rpc/handler.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { CommitEncoder } from "../common/commit-encoder.ts";
import { readTrailers } from "../common/commit-trailers.ts";
import { defaultBranch } from "../common/default-branch.ts";
import { type EncodedEntry, encodedEntrySize, encodedReply } from "../common/encoded-list.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { gitCommit } from "../common/git-commit.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { readObject, readSmallObject } from "../common/read-commit.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import { type FoundCommit, findLoggedCommits } from "./find-logged-commits.ts";
import { findWalkedCommits } from "./find-walked-commits.ts";
import { logFailure } from "./log-failure.ts";

type Needs = ReadNeeds & { readonly git: GitRunner; readonly mailmaps: Mailmaps };
type FindCommits = EncodingHandler<typeof CommitService.method.findCommits>;

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
    const chunk = new ReplyChunk(encodedEntrySize);
    let failure: Error | undefined;
    try {
      for await (const commit of find(needs, repository, request, revisions, call)) {
        const full = chunk.add(commit);
        if (full !== undefined) yield encodedReply(FindCommitsResponseSchema, full);
      }
    } catch (error) {
      // What was found until then goes out first.
      failure = logFailure(error);
    }
    const commits = chunk.rest();
    if (commits !== undefined) yield encodedReply(FindCommitsResponseSchema, commits);
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
): AsyncGenerator<EncodedEntry, void, undefined> {
  const ask = { git, gitCall: lazyGitCall(call) };
  const mailmap = mailmaps.find(repository, call);
  const encoder = new CommitEncoder(mailmap);
  const walked = await findWalkedCommits(repository, request, revisions, call.signal);
  const all = walked ?? findLoggedCommits(repository, request, revisions, ask);
  for await (const found of all) {
    const { oid, fields } = found;
    const object =
      readSmallObject(repository.objects, oid) ??
      (await readObject(repository.objects, oid, call.signal));
    if (object === undefined) throw new ObjectNotFoundError(oid);
    const wantsTrailers = request.trailers && fields.trailers === undefined;
    if (!wantsTrailers && isEmpty(fields)) {
      yield encoder.encode(oid, object.content);
      continue;
    }
    const commit = gitCommit(oid, object.content, mailmap);
    if (wantsTrailers) commit.trailers = await readTrailers(repository, object, commit, ask);
    yield encoder.encodeMessage(Object.assign(commit, fields));
  }
}

function isEmpty(fields: FoundCommit["fields"]): boolean {
  for (const _ in fields) return false;
  return true;
}
