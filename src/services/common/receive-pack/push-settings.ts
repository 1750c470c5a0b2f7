import { DomainError } from "../../../base/error/domain-error.ts";
import { type ReceiveSettings, receiveSettings } from "../../../git/receive/receive-settings.ts";
import { HEAD } from "../../../git/ref/ref-name.ts";
import type { GitRepository } from "../../../git/repository/git-repository.ts";
import type { RepositoryCache } from "../../../git/repository/repository-cache.ts";
import type { ConfigPair } from "../../../gitcmd/git-command.ts";
import type { GitRunner } from "../../../gitcmd/git-runner.ts";
import type { LocatedRepository } from "../../../storage/locator/repository-locator.ts";
import { hasUnusualFiles } from "../unusual-files.ts";

interface Needs {
  readonly git: GitRunner;
  readonly repositories: RepositoryCache;
}

/** A repository that can be pushed to without `git receive-pack`. */
export interface PushableRepository {
  readonly repository: GitRepository;
  readonly settings: ReceiveSettings;
  /** Everything that git is configured with for the push. */
  readonly config: readonly ConfigPair[];
}

/** Files of a repository that make a push to it something for git. */
const UNUSUAL_FILES = ["shallow", "info/grafts", "worktrees", "logs"];

/**
 * Looks at everything that decides how a push is received, whatever the push is. Undefined when git
 * itself has to receive it, or to say what is wrong with the repository or its configuration.
 *
 * @param options the request's own settings
 */
export function openForPush(
  { git, repositories }: Needs,
  located: LocatedRepository,
  options: readonly ConfigPair[],
): PushableRepository | undefined {
  if (located.objectDirectory !== undefined) return undefined;
  try {
    const config = git.configOf({ name: "receive-pack", config: options });
    const repository = repositories.open(located.path);
    const settings = receiveSettings(repository.config.entries, config);
    if (settings === undefined || hasUnusualFiles(located.path, UNUSUAL_FILES)) return undefined;
    return repository.refs.resolve(HEAD).state === "broken"
      ? undefined
      : { repository, settings, config };
  } catch (error) {
    if (error instanceof DomainError) return undefined;
    throw error;
  }
}
