import type { TestContext } from "node:test";
import { findGit } from "../gitcmd/binary/find-git.ts";
import type { ConfigPair } from "../gitcmd/git-command.ts";
import type { GitRunner } from "../gitcmd/git-runner.ts";
import { createGitRunner } from "../gitcmd/runner/process-git-runner.ts";
import { directSpawner } from "../gitcmd/spawn/direct-spawner.ts";

/** Runs the git that the product uses, without a server around it; `config` wins over its own. */
export async function testGitRunner(
  { signal }: TestContext,
  config: readonly ConfigPair[] = [],
): Promise<GitRunner> {
  const environment = process.env;
  const binary = await findGit({ spawner: directSpawner, environment, signal });
  return createGitRunner({ binary, spawner: directSpawner, environment, config, cpuCount: 1 });
}
