import type {
  CreateRepositoryFromBundleRequest,
  RepositoryService,
} from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { bundlePieces, cloneBundle, receiveBundle } from "../common/bundle.ts";
import { type CreateNeeds, createRepository } from "../common/create-repository.ts";
import { type OpenedStream, takeFirst } from "../common/first-request.ts";
import { gitCall } from "../common/git-call.ts";
import { placeRepository } from "../common/locate-repository.ts";

type Request = CreateRepositoryFromBundleRequest;
type FromBundle = Handler<typeof RepositoryService.method.createRepositoryFromBundle>;

/** Makes a repository of what a bundle holds. It appears as a whole; on failure nothing is left. */
export function createRepositoryFromBundle(needs: CreateNeeds): FromBundle {
  return async (requests, call) => {
    const { first, rest } = await openStream(requests);
    const target = placeRepository(needs.locator, first.repository);
    const options = gitCall(call);
    const seed = async (temporary: LocatedRepository): Promise<void> => {
      try {
        const { locator, git } = needs;
        const data = bundlePieces({ first, rest });
        await using bundle = await receiveBundle(locator, target.storageName, data, call.signal);
        await cloneBundle(git, temporary, bundle, options);
      } catch (error) {
        call.signal.throwIfAborted();
        throw wrapError("internal", "cloning bundle", error);
      }
    };
    try {
      await createRepository(needs, target, { initFlags: undefined, seed, options }, call);
    } catch (error) {
      call.signal.throwIfAborted();
      throw wrapError("internal", "creating repository", error);
    }
    return {};
  };
}

async function openStream(requests: AsyncIterable<Request>): Promise<OpenedStream<Request>> {
  try {
    return await takeFirst(requests);
  } catch (error) {
    throw wrapError("internal", "first request failed", error);
  }
}
