import type { RepositoryCache } from "../../git/repository/repository-cache.ts";
import { quarantinePrefix } from "../../storage/locator/object-directory.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { createQuarantine, type Quarantine } from "../../storage/quarantine/quarantine.ts";

export interface QuarantineNeeds {
  readonly locator: RepositoryLocator;
  readonly repositories: RepositoryCache;
}

/** Makes a quarantine for the objects of one call, at the place where a storage keeps those. */
export async function quarantineFor(
  { locator, repositories }: QuarantineNeeds,
  located: LocatedRepository,
): Promise<Quarantine> {
  const { objects } = repositories.open(located.path);
  return createQuarantine(located, objects, {
    folder: locator.temporaryFolder(located.storageName),
    prefix: quarantinePrefix(located.relativePath),
  });
}
