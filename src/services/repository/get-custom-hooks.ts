import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { customHooksArchive } from "./custom-hooks-archive.ts";

type Needs = { readonly locator: RepositoryLocator };
type GetCustomHooks = Handler<typeof RepositoryService.method.getCustomHooks>;

/** Streams the repository's own hooks as a tar archive; nothing when it has none. */
export function getCustomHooks({ locator }: Needs): GetCustomHooks {
  return async function* (request, { signal }) {
    const located = locateRepository(locator, request.repository);
    for await (const data of customHooksArchive(located, signal)) yield { data };
  };
}
