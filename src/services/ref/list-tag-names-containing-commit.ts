import type { RefService } from "../../proto/ref_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { type ContainingNeeds, namesContainingCommit } from "./names-containing-commit.ts";

type ListTagNamesContainingCommit = Handler<typeof RefService.method.listTagNamesContainingCommit>;

/** Lists the tags whose history contains a commit. */
export function listTagNamesContainingCommit(needs: ContainingNeeds): ListTagNamesContainingCommit {
  return async function* (request, call) {
    for await (const tagNames of namesContainingCommit(needs, request, "refs/tags/", call)) {
      yield { tagNames };
    }
  };
}
