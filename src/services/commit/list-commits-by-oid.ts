import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { binaryFromText } from "../../git/ref/binary-string.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { type CommitService, ListCommitsByOidResponseSchema } from "../../proto/commit_pb.ts";
import type { EncodingHandler } from "../../rpc/handler.ts";
import { CommitEncoder } from "../common/commit-encoder.ts";
import { encodedEntrySize, encodedReply } from "../common/encoded-list.ts";
import { findCommitObject } from "../common/find-commit-object.ts";
import { lazyGitCall } from "../common/git-call.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { openRepository, type ReadNeeds } from "../common/open-repository.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";

type Needs = ReadNeeds & {
  readonly git: GitRunner;
  readonly mailmaps: Mailmaps;
  readonly metrics: MetricRegistry;
};
type ListCommitsByOid = EncodingHandler<typeof CommitService.method.listCommitsByOid>;

/** Tells about commits in the order in which they are asked for; those that don't exist are left out. */
export function listCommitsByOid(needs: Needs): ListCommitsByOid {
  const requestSizes = needs.metrics.histogram({
    name: "gitaly_list_commits_by_oid_request_size",
    help: "Number of commits requested in a ListCommitsByOid request",
    labels: [],
    buckets: [0.001, 1, 5, 10, 20],
  });
  return async function* ({ repository: address, oid: names }, call) {
    const repository = openRepository(needs, address, call);
    requestSizes.observe({}, names.length);
    const mailmap = needs.mailmaps.find(repository, call);
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    const encoder = new CommitEncoder(mailmap);
    const chunk = new ReplyChunk(encodedEntrySize);
    for (const name of names) {
      const commit = await findCommitObject(repository, binaryFromText(name), ask, call.signal);
      if (commit === undefined) continue;
      const full = chunk.add(encoder.encode(commit.oid, commit.content));
      if (full !== undefined) yield encodedReply(ListCommitsByOidResponseSchema, full);
    }
    const commits = chunk.rest();
    if (commits !== undefined) yield encodedReply(ListCommitsByOidResponseSchema, commits);
  };
}
