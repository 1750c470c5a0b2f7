import { parseRevision } from "../../git/revision/revision.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { type CommitService, FindCommitResponseSchema } from "../../proto/commit_pb.ts";
import { EncodedReply } from "../../rpc/encoded-reply.ts";
import type { EncodingHandler } from "../../rpc/handler.ts";
import { CommitEncoder } from "../common/commit-encoder.ts";
import { readTrailers } from "../common/commit-trailers.ts";
import { findCommitObject } from "../common/find-commit-object.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { gitCommit } from "../common/git-commit.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { openLocated, type ReadNeeds } from "../common/open-repository.ts";

type Needs = ReadNeeds & { readonly git: GitRunner; readonly mailmaps: Mailmaps };
type FindCommit = EncodingHandler<typeof CommitService.method.findCommit>;

/** Finds the commit that a revision leads to; the reply is empty when there is none. */
export function findCommit(needs: Needs): FindCommit {
  return async ({ repository, revision, trailers }, call) => {
    const located = locateRepository(needs.locator, repository);
    const name = parseRevision(revision);
    const reader = openLocated(needs, located, call);
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    const object = await findCommitObject(reader, name, ask, call.signal);
    if (object === undefined) return {};
    const { oid, content } = object;
    const mailmap = needs.mailmaps.find(reader, call);
    if (!trailers) {
      const { bytes } = new CommitEncoder(mailmap).encode(oid, content);
      return new EncodedReply(FindCommitResponseSchema, bytes);
    }
    const commit = gitCommit(oid, content, mailmap);
    commit.trailers = await readTrailers(reader, object, commit, ask);
    return { commit };
  };
}
