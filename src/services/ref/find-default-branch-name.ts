import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { HEAD, type RefName } from "../../git/ref/ref-name.ts";
import type { RefReader } from "../../git/ref/ref-reader.ts";
import { findExpandedRef } from "../../git/revision/resolve-name.ts";
import type { RefService } from "../../proto/ref_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { gitFailure } from "../common/git-failure.ts";
import { openRepository, type ReadNeeds } from "../common/open-repository.ts";

type FindDefaultBranchName = Handler<typeof RefService.method.findDefaultBranchName>;

/** Where to look when HEAD names a branch that doesn't exist. */
const FALLBACKS = ["refs/heads/main", "refs/heads/master"];

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

function defaultBranch(refs: RefReader): string {
  const head = headTarget(refs);
  return gitFailure(() => {
    const existing = [head, ...FALLBACKS].find((name) => findExpandedRef(refs, name) !== undefined);
    if (existing !== undefined) return existing;
    for (const { name } of refs.list({ prefixes: ["refs/heads/"] })) return name;
    return "";
  });
}

/** The end of the chain of symbolic references that starts at HEAD; it need not exist. */
function headTarget(refs: RefReader): RefName {
  const { state, name } = gitFailure(() => refs.resolve(HEAD));
  // What git says of a HEAD that is missing, damaged or detached.
  if (state === "broken" || name === HEAD) throw new RpcError("unknown", "exit status 128");
  return name;
}
