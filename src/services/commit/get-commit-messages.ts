import { binaryFromText } from "../../git/ref/binary-string.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { CommitService } from "../../proto/commit_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { asInternal } from "../common/as-internal.ts";
import { cutContent } from "../common/content-chunks.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { readCommitObject } from "../common/read-commit.ts";
import { findObject, type RevisionNeeds } from "../common/resolve-revision.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type GetCommitMessages = Handler<typeof CommitService.method.getCommitMessages>;

/** Streams the whole messages of commits: for each its id as given, then the message in pieces. */
export function getCommitMessages(needs: Needs): GetCommitMessages {
  return async function* ({ repository: address, commitIds }, call) {
    const located = locateRepository(needs.locator, address);
    const repository = openLocated(needs, located, call);
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    for (const commitId of commitIds) {
      const message = await readMessage(repository, commitId, ask, call.signal);
      yield { commitId };
      for (const piece of cutContent(message)) yield { message: piece };
    }
  };
}

async function readMessage(
  repository: OpenedRepository,
  commitId: string,
  ask: RevisionNeeds,
  signal: AbortSignal,
): Promise<Buffer> {
  try {
    const oid = await findObject(repository, `${binaryFromText(commitId)}^{commit}`, ask);
    const commit = oid && (await readCommitObject(repository.objects, oid, signal));
    if (commit === undefined) {
      throw new RpcError("unknown", "object not found", { metadata: { revision: commitId } });
    }
    const end = commit.content.indexOf("\n\n");
    return end < 0 ? Buffer.alloc(0) : commit.content.subarray(end + 2);
  } catch (error) {
    throw asInternal(wrapError("unknown", "failed to get commit message", error));
  }
}
