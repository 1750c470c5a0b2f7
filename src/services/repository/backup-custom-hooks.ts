import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { customHooksArchive } from "./custom-hooks-archive.ts";

type Needs = { readonly locator: RepositoryLocator };
type BackupCustomHooks = Handler<typeof RepositoryService.method.backupCustomHooks>;

/** The same as GetCustomHooks, by its former name. */
export function backupCustomHooks({ locator }: Needs): BackupCustomHooks {
  return async function* (request, { signal }) {
    const located = locateRepository(locator, request.repository);
    for await (const data of customHooksArchive(located, signal)) yield { data };
  };
}
