import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { PlainGit } from "../process/plain-git.ts";
import { generatedBulk, generatedHistory } from "./generated-history.ts";

/** Raised when what is generated changes, so that nobody compares figures of two repositories. */
const VERSION = 1;
const BULK_MEGABYTES = 128;

/** The repository with a history, in the user's cache folder; made there when it is missing. */
export function historyRepository(git: PlainGit): Promise<string> {
  return cached(git, "history", () => generatedHistory());
}

/** The repository with much content and next to no history. */
export function bulkRepository(git: PlainGit): Promise<string> {
  return cached(git, "bulk", () => generatedBulk(BULK_MEGABYTES));
}

async function cached(
  git: PlainGit,
  name: string,
  content: () => Iterable<string | Uint8Array>,
): Promise<string> {
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const folder = join(cache, "gitaly-ts/bench");
  const path = join(folder, `${name}-${VERSION}.git`);
  if (existsSync(path)) return path;
  console.log(`making the repository "${name}", once`);
  await mkdir(folder, { recursive: true });
  const building = await mkdtemp(join(folder, "building-"));
  try {
    await build(git, join(building, "repository.git"), content());
    // Somebody else may have been faster; theirs is the same.
    if (!existsSync(path)) await rename(join(building, "repository.git"), path);
  } finally {
    await rm(building, { recursive: true });
  }
  return path;
}

async function build(
  git: PlainGit,
  path: string,
  content: Iterable<string | Uint8Array>,
): Promise<void> {
  git.text(["init", "--quiet", "--bare", "--template=", "--initial-branch=main", path]);
  const inside = ["-C", path, "-c", "pack.threads=1", "-c", "core.bigFileThreshold=64k"];
  await git.feed([...inside, "fast-import", "--quiet"], content);
  git.text([...inside, "repack", "-a", "-d", "-f", "--quiet"]);
  git.text([...inside, "pack-refs", "--all"]);
}
