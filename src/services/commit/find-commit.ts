import type { GitObject } from "../../git/object/object-type.ts";
import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import { parseRevision } from "../../git/revision/revision.ts";
import { commitTrailers } from "../../git/trailer/commit-trailers.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { CommitService } from "../../proto/commit_pb.ts";
import type { GitCommit } from "../../proto/shared_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { parseTrailers } from "../common/commit-trailers.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { gitCommit } from "../common/git-commit.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import { openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { readCommitObject } from "../common/read-commit.ts";
import { findObject, type RevisionNeeds } from "../common/resolve-revision.ts";

type Needs = ReadNeeds & { readonly git: GitRunner; readonly mailmaps: Mailmaps };
type FindCommit = Handler<typeof CommitService.method.findCommit>;

const IS_UTF8 = /^(?:utf-?8)?$/i;

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
    if (trailers) commit.trailers = await findTrailers(reader, object, commit, ask);
    return { commit };
  };
}

async function findTrailers(
  { located }: OpenedRepository,
  { oid, content }: GitObject,
  commit: GitCommit,
  { git, gitCall }: RevisionNeeds,
): Promise<GitCommit["trailers"]> {
  const message = content.subarray(content.length - Number(commit.bodySize));
  // Git shows trailers in UTF-8; converting them is left to it.
  if (IS_UTF8.test(commit.encoding)) return parseTrailers(commitTrailers(message));
  const format = "--format=%(trailers:unfold,separator=%x00)";
  const command = { name: "show", flags: [format, "--no-patch"], args: [oid] } as const;
  const { stdout } = await git.run(located, command, gitCall());
  return parseTrailers(binaryFromBytes(stdout).replace(/\n.*$/s, "").split("\0"));
}
