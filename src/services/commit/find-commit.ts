import { parseRevision } from "../../git/revision/revision.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { CommitService } from "../../proto/commit_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { readTrailers } from "../common/commit-trailers.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { gitCommit } from "../common/git-commit.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { readCommitObject } from "../common/read-commit.ts";
import { findObject } from "../common/resolve-revision.ts";

type Needs = ReadNeeds & { readonly git: GitRunner; readonly mailmaps: Mailmaps };
type FindCommit = Handler<typeof CommitService.method.findCommit>;

/** Finds the commit that a revision leads to; the reply is empty when there is none. */
export function findCommit(needs: Needs): FindCommit {
  return async ({ repository, revision, trailers }, call) => {
    const located = locateRepository(needs.locator, repository);
    const name = parseRevision(revision);
    const reader = openLocated(needs, located, call);
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    const oid = await findObject(reader, `${name}^{commit}`, ask);
    const object = oid && (await readCommitObject(reader.objects, oid, call.signal));
    if (object === undefined) return {};
    const commit = gitCommit(object.oid, object.content, needs.mailmaps.find(reader, call));
    if (trailers) commit.trailers = await readTrailers(reader, object, commit, ask);
    return { commit };
  };
}
