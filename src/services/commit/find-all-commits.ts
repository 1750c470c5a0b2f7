import type { WalkOrder } from "../../git/graph/walk-options.ts";
import { parseRevision } from "../../git/revision/revision.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import {
  type CommitService,
  type FindAllCommitsRequest,
  FindAllCommitsResponseSchema,
  FindAllCommitsRequest_Order as Order,
} from "../../proto/commit_pb.ts";
import type { EncodingHandler } from "../../rpc/handler.ts";
import { invalidArgument } from "../../rpc/rpc-error.ts";
import { asInternal } from "../common/as-internal.ts";
import { commitChunks } from "../common/commit-chunks.ts";
import { encodedReply } from "../common/encoded-list.ts";
import { isDamage } from "../common/git-failure.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { logCommits, walkCommits } from "./logged-commits.ts";

type Needs = ReadNeeds & { readonly git: GitRunner; readonly mailmaps: Mailmaps };
type FindAllCommits = EncodingHandler<typeof CommitService.method.findAllCommits>;

/** Lists the commits that a revision reaches, or all branches without one. */
export function findAllCommits(needs: Needs): FindAllCommits {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const revision = parseRevision(request.revision, { empty: true });
    const repository = openLocated(needs, located, call);
    const revisions = revision === "" ? branchNames(repository) : [revision];
    const mailmap = needs.mailmaps.find(repository, call);
    const walked = await walkCommits(repository, revisions, walkOptions(request), call);
    const oids =
      walked ?? logCommits(needs.git, repository, { revisions }, logFlags(request), call);
    try {
      for await (const commits of commitChunks(repository, oids, mailmap, call.signal)) {
        yield encodedReply(FindAllCommitsResponseSchema, commits);
      }
    } catch (error) {
      throw asInternal(error);
    }
  };
}

function branchNames({ refs }: OpenedRepository): string[] {
  try {
    return [...refs.list({ patterns: ["refs/heads"] })].map(({ name }) => name);
  } catch (error) {
    throw isDamage(error) ? invalidArgument("exit status 128", { cause: error }) : error;
  }
}

function walkOptions({ order, maxCount, skip }: FindAllCommitsRequest): {
  order: WalkOrder;
  limit: number | undefined;
  skip: number | undefined;
} {
  return {
    order: walkOrder(order),
    limit: maxCount > 0 ? maxCount : undefined,
    skip: skip > 0 ? skip : undefined,
  };
}

function walkOrder(order: Order): WalkOrder {
  if (order === Order.DATE) return "date";
  return order === Order.TOPO ? "topo" : "default";
}

function logFlags({ order, maxCount, skip }: FindAllCommitsRequest): string[] {
  const flags: string[] = [];
  if (maxCount > 0) flags.push(`--max-count=${maxCount}`);
  if (skip > 0) flags.push(`--skip=${skip}`);
  if (order === Order.DATE) flags.push("--date-order");
  if (order === Order.TOPO) flags.push("--topo-order");
  return flags;
}
