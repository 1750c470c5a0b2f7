import { GIT_DEFAULTS, type GitSettings } from "../app/config/section/git.ts";

/** The section `[git]` of a configuration, for `startTestServer`; what isn't given is as usual. */
export function gitSettings(changes: Partial<GitSettings>): GitSettings {
  return { ...GIT_DEFAULTS, ...changes };
}
