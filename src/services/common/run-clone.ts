import { rmdir } from "node:fs/promises";
import type { ConfigPair, GitFlag } from "../../gitcmd/git-command.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { removeOrigin } from "../../storage/repository/remove-origin.ts";
import { type CollectedGit, collectGit } from "./collect-git.ts";
import type { GitCall } from "./git-call.ts";

/** What is cloned and how. */
export interface Clone {
  readonly url: string;
  /** Beside `--quiet`; either `--bare` or `--mirror` is among them. */
  readonly flags: readonly GitFlag[];
  readonly config?: readonly ConfigPair[];
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs `git clone` into the place of a repository that is being made.
 *
 * The empty directory there goes first: git then makes one with the mode that the umask gives it.
 */
export async function runClone(
  git: GitRunner,
  { path }: LocatedRepository,
  { url, flags, config = [], env = {} }: Clone,
  options: GitCall,
): Promise<CollectedGit> {
  const args = [url, path];
  await rmdir(path);
  const command = { name: "clone", config, flags: ["--quiet", ...flags], args, env } as const;
  return collectGit(git, undefined, command, { ...options, hooks: "disabled" });
}

/**
 * Makes a clone forget where it came from: the URL may tell secrets, and nobody fetches by name.
 *
 * The references that a mirror has of other remotes are taken for those of its own, and go as well.
 */
export async function forgetOrigin(
  git: GitRunner,
  repository: LocatedRepository,
  options: GitCall & { readonly isMirror: boolean },
): Promise<void> {
  if (!options.isMirror) return removeOrigin(repository.path);
  const command = { name: "remote", args: ["remove", "origin"] } as const;
  await git.run(repository, command, { ...options, hooks: "disabled" });
}
