import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal } from "../../rpc/rpc-error.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { locateRepository } from "../common/locate-repository.ts";

type Needs = { readonly locator: RepositoryLocator };
type MigrateReferenceBackend = Handler<typeof RepositoryService.method.migrateReferenceBackend>;

/** Refuses to change how references are stored: that takes transactions, which aren't there. */
export function migrateReferenceBackend({ locator }: Needs): MigrateReferenceBackend {
  return async ({ repository }) => {
    locateRepository(locator, repository);
    throw internal("transaction not found");
  };
}
