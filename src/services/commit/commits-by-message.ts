import { parseRevision } from "../../git/revision/revision.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import {
  type CommitService,
  type CommitsByMessageRequest,
  CommitsByMessageResponseSchema,
} from "../../proto/commit_pb.ts";
import type { EncodingHandler } from "../../rpc/handler.ts";
import { invalidArgument } from "../../rpc/rpc-error.ts";
import { asInternal } from "../common/as-internal.ts";
import { commitChunks } from "../common/commit-chunks.ts";
import { defaultBranch } from "../common/default-branch.ts";
import { encodedReply } from "../common/encoded-list.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { type LogArguments, logCommits } from "./logged-commits.ts";

type Needs = ReadNeeds & { readonly git: GitRunner; readonly mailmaps: Mailmaps };
type CommitsByMessage = EncodingHandler<typeof CommitService.method.commitsByMessage>;

/** Finds commits by a regular expression that matches a line of their message. */
export function commitsByMessage(needs: Needs): CommitsByMessage {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const revision = parseRevision(request.revision, { empty: true });
    if (request.query === "") throw invalidArgument("empty Query");
    const repository = openLocated(needs, located, call);
    try {
      const start = revision === "" ? defaultBranch(repository.refs) : revision;
      const mailmap = needs.mailmaps.find(repository, call);
      const args = logArguments(request, start);
      const oids = logCommits(needs.git, repository, args, logFlags(request), call);
      for await (const commits of commitChunks(repository, oids, mailmap, call.signal)) {
        yield encodedReply(CommitsByMessageResponseSchema, commits);
      }
    } catch (error) {
      throw asInternal(error);
    }
  };
}

function logArguments(
  { path, globalOptions }: CommitsByMessageRequest,
  revision: string,
): LogArguments {
  return {
    revisions: [revision],
    paths: path.length > 0 ? [path] : [],
    literalPathspecs: globalOptions?.literalPathspecs ?? false,
  };
}

function logFlags({ query, offset, limit }: CommitsByMessageRequest): string[] {
  const flags = [`--grep=${query}`, "--regexp-ignore-case"];
  if (offset > 0) flags.push(`--skip=${offset}`);
  if (limit > 0) flags.push(`--max-count=${limit}`);
  return flags;
}
