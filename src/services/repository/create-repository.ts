import { quoteText } from "../../base/text/quote-text.ts";
import type { ObjectFormat as GitObjectFormat } from "../../git/oid/oid.ts";
import type { RepositoryService } from "../../proto/repository_pb.ts";
import { ObjectFormat } from "../../proto/shared_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { type CreateNeeds, createRepository as create } from "../common/create-repository.ts";
import { FreshRepositories } from "../common/fresh-repositories.ts";
import { gitCall } from "../common/git-call.ts";
import { placeRepository } from "../common/locate-repository.ts";

type CreateRepository = Handler<typeof RepositoryService.method.createRepository>;

/**
 * Makes an empty bare repository of the wanted object format whose HEAD names the wanted branch.
 *
 * The repository appears as a whole; on failure nothing is left.
 */
export function createRepository(needs: CreateNeeds): CreateRepository {
  const fresh = new FreshRepositories(needs.git);
  return async (request, call) => {
    const target = placeRepository(needs.locator, request.repository);
    const options = gitCall(call);
    const branch = Buffer.from(request.defaultBranch).toString();
    const kind = { format: gitObjectFormat(request.objectFormat), branch };
    const seed = (temporary: LocatedRepository): Promise<void> =>
      fresh.make(temporary, kind, options);
    try {
      await create(needs, target, { initFlags: undefined, seed, options }, call);
    } catch (error) {
      throw wrapError("internal", "creating repository", error);
    }
    return {};
  };
}

function gitObjectFormat(format: ObjectFormat): GitObjectFormat {
  switch (format) {
    case ObjectFormat.UNSPECIFIED:
    case ObjectFormat.SHA1:
      return "sha1";
    case ObjectFormat.SHA256:
      return "sha256";
    default:
      throw invalidArgument(`unknown object format: ${quoteText(String(format))}`);
  }
}
