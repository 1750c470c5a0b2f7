import type { GitRunner } from "../gitcmd/git-runner.ts";
import type { RepositoryLocator } from "../storage/locator/repository-locator.ts";
import type { TimeoutSettings } from "./config/section/timeout.ts";

/**
 * Everything that requests share, built once and passed down.
 *
 * Services name the few of these that they need; nothing else in the program holds shared state.
 */
export interface Runtime {
  readonly locator: RepositoryLocator;
  readonly git: GitRunner;
  readonly timeouts: TimeoutSettings;
}
