import type { MessageShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import {
  ListCommitsByRefNameResponse_CommitForRefSchema as CommitForRefSchema,
  type CommitService,
} from "../../proto/commit_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { lazyGitCall } from "../common/git-call.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { fieldSize, gitCommitSize, messageFieldSize } from "../common/message-size.ts";
import { openRepository, type ReadNeeds } from "../common/open-repository.ts";
import { readCommit } from "../common/read-commit.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import { findObject } from "../common/resolve-revision.ts";

type Needs = ReadNeeds & { readonly git: GitRunner; readonly mailmaps: Mailmaps };
type ListCommitsByRefName = Handler<typeof CommitService.method.listCommitsByRefName>;
type CommitForRef = MessageShape<typeof CommitForRefSchema>;

/** Tells which commits references lead to, in the order in which they are asked for. */
export function listCommitsByRefName(needs: Needs): ListCommitsByRefName {
  return async function* ({ repository: address, refNames }, call) {
    const repository = openRepository(needs, address, call);
    const mailmap = needs.mailmaps.find(repository, call);
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    const chunk = new ReplyChunk(commitForRefSize);
    for (const refName of refNames) {
      const oid = await findObject(repository, `${binaryFromBytes(refName)}^{commit}`, ask);
      const commit = oid && (await readCommit(repository.objects, oid, mailmap, call.signal));
      if (commit === undefined) continue;
      const full = chunk.add(create(CommitForRefSchema, { refName, commit }));
      if (full !== undefined) yield { commitRefs: full };
    }
    const commitRefs = chunk.rest();
    if (commitRefs !== undefined) yield { commitRefs };
  };
}

function commitForRefSize({ refName, commit }: CommitForRef): number {
  const commitBytes = commit === undefined ? 0 : messageFieldSize(gitCommitSize(commit));
  return fieldSize(refName.length) + commitBytes;
}
