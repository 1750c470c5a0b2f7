import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { gitFailure } from "../common/git-failure.ts";
import { openRepository, type ReadNeeds } from "../common/open-repository.ts";

type HasLocalBranches = Handler<typeof RepositoryService.method.hasLocalBranches>;

/** Says whether a repository has a branch, whatever that holds. */
export function hasLocalBranches(needs: ReadNeeds): HasLocalBranches {
  return async ({ repository }, call) => {
    const { refs } = openRepository(needs, repository, call);
    return gitFailure(() => {
      for (const _ of refs.list({ prefixes: ["refs/heads/"] })) return { value: true };
      return { value: false };
    });
  };
}
