import type { TestContext } from "node:test";
import { findGit } from "../gitcmd/binary/find-git.ts";
import type { GitDirectory } from "../gitcmd/git-directory.ts";
import type { GitRunner } from "../gitcmd/git-runner.ts";
import { createGitRunner, type GitRunnerOptions } from "../gitcmd/runner/process-git-runner.ts";
import { findHelperProgram } from "../gitcmd/spawn/helper-program.ts";
import type { TestRepository } from "./git-repository.ts";
import { startTestSpawner } from "./process-helpers.ts";

/**
 * Runs the git that the product uses, without a server around it. It ends, with all of its
 * processes, when the test does.
 */
export async function startTestGitRunner(
  t: TestContext,
  options: Partial<GitRunnerOptions> = {},
): Promise<GitRunner> {
  const spawner = options.spawner ?? (await startTestSpawner(t, findHelperProgram()));
  const environment = process.env;
  const binary = await findGit({ spawner, environment, signal: t.signal });
  return createGitRunner({ spawner, binary, environment, cpuCount: 1, ...options });
}

/** How gitcmd names a repository made by a test. */
export function gitDirectory({ path, format }: TestRepository): GitDirectory {
  return { path, objectFormat: format };
}
