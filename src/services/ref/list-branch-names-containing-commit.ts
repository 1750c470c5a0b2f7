import type { RefService } from "../../proto/ref_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { type ContainingNeeds, namesContainingCommit } from "./names-containing-commit.ts";

type ListBranchNamesContainingCommit = Handler<
  typeof RefService.method.listBranchNamesContainingCommit
>;

/** Lists the branches whose history contains a commit. */
export function listBranchNamesContainingCommit(
  needs: ContainingNeeds,
): ListBranchNamesContainingCommit {
  return async function* (request, call) {
    for await (const branchNames of namesContainingCommit(needs, request, "refs/heads/", call)) {
      yield { branchNames };
    }
  };
}
