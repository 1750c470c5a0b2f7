import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { RefService } from "../../proto/ref_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { defaultBranch, headTarget } from "../common/default-branch.ts";
import { openRepository, type ReadNeeds } from "../common/open-repository.ts";

type FindDefaultBranchName = Handler<typeof RefService.method.findDefaultBranchName>;

/**
 * Names the branch that HEAD names. Unless asked for just that, it has to exist: else it is one of
 * the usual names, the first branch, or empty when there are no branches.
 */
export function findDefaultBranchName(needs: ReadNeeds): FindDefaultBranchName {
  return async ({ repository, headOnly }, call) => {
    const { refs } = openRepository(needs, repository, call);
    try {
      const name = headOnly ? headTarget(refs) : defaultBranch(refs);
      return { name: bytesFromBinary(name) };
    } catch (error) {
      throw wrapError("internal", headOnly ? "head reference" : "get default branch", error);
    }
  };
}
