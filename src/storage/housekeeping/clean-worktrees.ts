import { type Dirent, existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import { findStats, listEntries } from "../file/for-each-file.ts";
import type { LocatedRepository } from "../locator/repository-locator.ts";
import { WORK_TREES } from "../work-tree/detached-work-tree.ts";
import type { HousekeepingRun } from "./run-optimization.ts";

/** Nobody works that long in a working tree. */
const STALE_WORKTREE_MS = 6 * 60 * 60 * 1000;

/**
 * Removes working trees that calls have left, and what git knows of those that are gone.
 *
 * @returns whether there are any
 */
export async function cleanWorktrees(
  git: GitRunner,
  repository: LocatedRepository,
  nowMs: number,
  options: HousekeepingRun,
): Promise<boolean> {
  const root = binaryFromText(repository.path);
  const folder = `${root}/${WORK_TREES}`;
  const left = listIfThere(folder);
  for (const entry of left) {
    const path = `${folder}/${entry.name}`;
    const stats = entry.isDirectory() ? findStats(path) : undefined;
    if (stats === undefined || nowMs - stats.mtimeMs <= STALE_WORKTREE_MS) continue;
    await removeWorktree(git, repository, entry.name, options);
    await rm(Buffer.from(bytesFromBinary(path)), { recursive: true, force: true });
  }
  if (!listIfThere(`${root}/worktrees`).some((entry) => entry.isDirectory()))
    return left.length > 0;
  const command = { name: "worktree", verb: "prune" } as const;
  await git.run(repository, command, { ...options, hooks: "disabled" });
  return true;
}

/** Hardly any repository has these folders, and to fail to list one costs much more than to look. */
function listIfThere(folder: string): Dirent[] {
  return existsSync(bytesFromBinary(folder)) ? listEntries(folder) : [];
}

async function removeWorktree(
  git: GitRunner,
  repository: LocatedRepository,
  name: string,
  options: HousekeepingRun,
): Promise<void> {
  const args = [Buffer.from(name, "latin1")];
  const command = { name: "worktree", verb: "remove", flags: ["--force"], args } as const;
  try {
    await git.run(repository, command, { ...options, hooks: "disabled" });
  } catch (error) {
    // Git doesn't know it, so there is nothing but a directory.
    const isUnknown = error instanceof GitExitError && / is not a working tree/.test(error.stderr);
    if (!isUnknown) throw error;
  }
}
