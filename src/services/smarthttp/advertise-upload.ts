import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { DomainError } from "../../base/error/domain-error.ts";
import { UnadvertisableRefError } from "../../git/receive/push-advertisement.ts";
import type { GitRepository } from "../../git/repository/git-repository.ts";
import type { RepositoryCache } from "../../git/repository/repository-cache.ts";
import {
  capabilityAdvertisement,
  uploadAdvertisement,
} from "../../git/upload/upload-advertisement.ts";
import { type UploadSettings, uploadSettings } from "../../git/upload/upload-settings.ts";
import type { ConfigPair } from "../../gitcmd/git-command.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { gitAgent } from "../common/git-agent.ts";

interface Needs {
  readonly git: GitRunner;
  readonly repositories: RepositoryCache;
}

/** Files of a repository that change what is advertised. */
const UNUSUAL_FILES = ["shallow", "info/grafts"];

/**
 * Makes what a client is shown that wants to fetch over HTTP; undefined when git has to make it: its
 * configuration is unusual, or there is something to say about damaged references.
 *
 * @param options the request's own settings
 * @param protocol the value of `GIT_PROTOCOL`
 */
export async function advertiseUpload(
  { git, repositories }: Needs,
  located: LocatedRepository,
  options: readonly ConfigPair[],
  protocol: string | undefined,
): Promise<Buffer[] | undefined> {
  if (located.objectDirectory !== undefined || hasUnusualFiles(located.path)) return undefined;
  try {
    const config = git.configOf({ name: "upload-pack", config: options });
    const repository = repositories.open(located.path);
    const settings = uploadSettings(repository.config.entries, config);
    if (settings === undefined) return undefined;
    const agent = gitAgent((await git.version()).text);
    switch (protocol) {
      case "version=2":
        return [capabilityAdvertisement(settings, repository.objectFormat, agent)];
      case undefined:
      case "version=0":
        return await references(repository, settings, { agent, version: 0 });
      case "version=1":
        return await references(repository, settings, { agent, version: 1 });
      default:
        return undefined;
    }
  } catch (error) {
    if (error instanceof UnadvertisableRefError || error instanceof DomainError) return undefined;
    throw error;
  }
}

async function references(
  repository: GitRepository,
  settings: UploadSettings,
  introduction: { readonly agent: string; readonly version: 0 | 1 },
): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for (const chunk of uploadAdvertisement(repository, settings, introduction)) {
    chunks.push(chunk);
    await nextTurn();
  }
  return chunks;
}

function hasUnusualFiles(path: string): boolean {
  return UNUSUAL_FILES.some((name) => {
    const file = join(path, name);
    return existsSync(file) && statSync(file).size > 0;
  });
}
