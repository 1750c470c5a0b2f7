import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { bundleReferences, prepareBundle } from "../common/bundle.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";

type Needs = { readonly locator: RepositoryLocator; readonly git: GitRunner };
type CreateBundle = Handler<typeof RepositoryService.method.createBundle>;

/** Streams a bundle of all references. */
export function createBundle({ locator, git }: Needs): CreateBundle {
  return async function* (request, call) {
    const located = locateRepository(locator, request.repository);
    await prepareBundle(git, located, call);
    for await (const data of bundleReferences(git, located, gitCall(call))) yield { data };
  };
}
