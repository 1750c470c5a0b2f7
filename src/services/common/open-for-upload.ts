import type { GitRepository } from "../../git/repository/git-repository.ts";
import type { RepositoryCache } from "../../git/repository/repository-cache.ts";
import { type UploadSettings, uploadSettings } from "../../git/upload/upload-settings.ts";
import type { ConfigPair } from "../../gitcmd/git-command.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { hasUnusualFiles } from "./unusual-files.ts";

interface Needs {
  readonly git: GitRunner;
  readonly repositories: RepositoryCache;
}

/** A repository that can be fetched from without `git upload-pack`, as far as that goes. */
export interface FetchableRepository {
  readonly repository: GitRepository;
  readonly settings: UploadSettings;
}

/** Files of a repository that change what clients are shown. */
const UNUSUAL_FILES = ["shallow", "info/grafts"];

/**
 * Looks at everything that decides what clients that fetch are shown. Undefined when that is unusual
 * and left to git. Throws a DomainError when the repository can't be read.
 *
 * @param options the request's own settings
 */
export function openForUpload(
  { git, repositories }: Needs,
  located: LocatedRepository,
  options: readonly ConfigPair[],
): FetchableRepository | undefined {
  if (located.objectDirectory !== undefined) return undefined;
  if (hasUnusualFiles(located.path, UNUSUAL_FILES)) return undefined;
  const config = git.configOf({ name: "upload-pack", config: options });
  const repository = repositories.open(located.path);
  const settings = uploadSettings(repository.config.entries, config);
  return settings && { repository, settings };
}
