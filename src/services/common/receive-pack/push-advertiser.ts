import { setImmediate as nextTurn } from "node:timers/promises";
import { DomainError } from "../../../base/error/domain-error.ts";
import {
  pushAdvertisement,
  UnadvertisableRefError,
} from "../../../git/receive/push-advertisement.ts";
import type { ReceiveSettings } from "../../../git/receive/receive-settings.ts";
import type { GitRepository } from "../../../git/repository/git-repository.ts";
import type { GitRunner } from "../../../gitcmd/git-runner.ts";
import { gitAgent } from "../git-agent.ts";

/**
 * Makes the advertisement of a repository's references for a client that wants to push; undefined
 * when git has to make it, since it has something to say about damaged ones.
 *
 * @param env tells git which version of the protocol to speak
 */
export async function advertisePush(
  git: GitRunner,
  repository: GitRepository,
  settings: ReceiveSettings,
  env: Readonly<Record<string, string>>,
): Promise<Buffer[] | undefined> {
  const { text } = await git.version();
  const version = env["GIT_PROTOCOL"] === "version=1" ? 1 : 0;
  const introduction = { agent: gitAgent(text), version } as const;
  const chunks: Buffer[] = [];
  try {
    for (const chunk of pushAdvertisement(repository, settings, introduction)) {
      if (chunk.length > 0) chunks.push(chunk);
      await nextTurn();
    }
  } catch (error) {
    if (error instanceof UnadvertisableRefError || error instanceof DomainError) return undefined;
    throw error;
  }
  return chunks;
}
