import { parseOid } from "../../git/oid/oid.ts";
import { textFromBinary } from "../../git/ref/binary-string.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { FindAllBranchesRequest, RefService } from "../../proto/ref_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { defaultBranch } from "../common/default-branch.ts";
import { gitCall } from "../common/git-call.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import {
  type OpenedRepository,
  openRepository,
  type ReadNeeds,
} from "../common/open-repository.ts";
import { outputLines } from "../common/output-lines.ts";
import { listedRefs } from "./listed-refs.ts";
import { listingFailed } from "./paged-refs.ts";
import { type NamedOid, refCommits } from "./ref-commits.ts";

type Needs = ReadNeeds & { readonly git: GitRunner; readonly mailmaps: Mailmaps };
type FindAllBranches = Handler<typeof RefService.method.findAllBranches>;

/** Lists local and remote branches, or those that the default branch contains. */
export function findAllBranches(needs: Needs): FindAllBranches {
  return async function* (request, call) {
    const repository = openRepository(needs, request.repository, call);
    const refs = request.mergedOnly
      ? mergedRefs(needs, repository, request, call)
      : listedRefs(repository, { patterns: ["refs/heads", "refs/remotes"] }, call.signal);
    const mailmap = needs.mailmaps.find(repository, call);
    try {
      for await (const commits of refCommits(repository, refs, mailmap, call.signal)) {
        yield { branches: commits.map(({ name, commit }) => ({ name, target: commit })) };
      }
    } catch (error) {
      throw wrapError("internal", "finding refs", error);
    }
  };
}

function mergedRefs(
  { git }: Needs,
  { located, refs }: OpenedRepository,
  { mergedBranches }: FindAllBranchesRequest,
  call: Call,
): AsyncIterable<NamedOid> {
  const names = mergedBranches.map((name) => Buffer.from(name).toString());
  const args = names.length > 0 ? names : ["refs/heads", "refs/remotes"];
  let branch: string;
  try {
    branch = defaultBranch(refs);
  } catch (error) {
    throw wrapError("internal", "default branch name", error);
  }
  const flags = ["--format=%(refname)%00%(objectname)", `--merged=${textFromBinary(branch)}`];
  return listMerged(git.stream(located, { name: "for-each-ref", flags, args }, gitCall(call)));
}

async function* listMerged(
  output: AsyncIterable<Buffer>,
): AsyncGenerator<NamedOid, void, undefined> {
  try {
    for await (const line of outputLines(output)) {
      const [name = "", id = ""] = line.split("\0");
      const oid = parseOid(id);
      if (oid !== undefined) yield { name, oid };
    }
  } catch (error) {
    throw error instanceof GitExitError ? listingFailed(error.exitCode, error) : error;
  }
}
