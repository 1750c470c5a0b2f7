import { binaryFromText } from "../../git/ref/binary-string.ts";
import type { RefService } from "../../proto/ref_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { refuseNul } from "../common/git-failure.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { listedRefs } from "./listed-refs.ts";
import { refCommits } from "./ref-commits.ts";

type Needs = ReadNeeds & { readonly mailmaps: Mailmaps };
type FindAllRemoteBranches = Handler<typeof RefService.method.findAllRemoteBranches>;

/** Lists the branches of a remote that were fetched once. */
export function findAllRemoteBranches(needs: Needs): FindAllRemoteBranches {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    if (request.remoteName === "") throw invalidArgument("empty RemoteName");
    const pattern = `refs/remotes/${binaryFromText(request.remoteName)}`;
    const repository = openLocated(needs, located, call);
    try {
      spawnable(pattern);
      const refs = listedRefs(repository, { patterns: [pattern] }, call.signal);
      const mailmap = needs.mailmaps.find(repository, call);
      for await (const commits of refCommits(repository, refs, mailmap, call.signal)) {
        yield { branches: commits.map(({ name, commit }) => ({ name, targetCommit: commit })) };
      }
    } catch (error) {
      throw wrapError("internal", "finding refs", error);
    }
  };
}

function spawnable(pattern: string): void {
  try {
    refuseNul(pattern);
  } catch (error) {
    throw wrapError("internal", "spawning for-each-ref", error);
  }
}
