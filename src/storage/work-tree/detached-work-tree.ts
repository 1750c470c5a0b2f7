import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import type { LocatedRepository } from "../locator/repository-locator.ts";
import { readRefFormat } from "../repository/ref-format.ts";

/**
 * A working tree for commands that can't do without one. It has a git directory of its own, so that
 * the repository isn't touched: only objects are shared. Disposing of it removes everything.
 */
export interface DetachedWorkTree extends Disposable {
  /** For git processes: they run in the working tree, and write objects where `located` says. */
  readonly repository: LocatedRepository & { readonly worktree: string };
  /** The commit that HEAD has come to name; undefined when that isn't a commit's id. */
  head(): Oid | undefined;
}

/** The folder of a repository that holds working trees. It stays when the last of them has gone. */
export const WORK_TREES = "gitlab-worktree";

/**
 * Makes a working tree without files, and without an index, whose HEAD is `commit`.
 *
 * @param located the repository with the quarantine as its object directory
 */
export async function createDetachedWorkTree(
  located: LocatedRepository & { readonly objectDirectory: string },
  commit: Oid,
): Promise<DetachedWorkTree> {
  const folder = join(located.path, WORK_TREES);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const worktree = mkdtempSync(join(folder, "am-"));
  const remove = (): void => rmSync(worktree, { recursive: true, force: true });
  const path = join(worktree, ".git");
  try {
    for (const name of ["objects", "refs", "info"])
      mkdirSync(join(path, name), { recursive: true });
    writeFileSync(join(path, "config"), configText(located.path), "latin1");
    writeFileSync(join(path, "HEAD"), `${commit}\n`);
    await copyAttributes(located.path, path);
  } catch (error) {
    remove();
    throw error;
  }
  return {
    repository: { ...located, path, worktree },
    head: () => parseOid(readFileSync(join(path, "HEAD"), "latin1").trim()),
    [Symbol.dispose]: remove,
  };
}

/** The repository's own settings, but for a tree with files, and for references in files. */
function configText(path: string): string {
  const text = readFileSync(join(path, "config"), "latin1");
  const changes = "\n[core]\n\tbare = false\n";
  if (readRefFormat(path) === "files") return text + changes;
  return `${text}${changes}[extensions]\n\trefStorage = files\n`;
}

async function copyAttributes(from: string, to: string): Promise<void> {
  const name = "info/attributes";
  try {
    await copyFile(join(from, name), join(to, name));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}
