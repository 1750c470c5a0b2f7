import { rm } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { alternatesPath } from "../../git/object/alternates.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { Repository } from "../../proto/shared_pb.ts";
import { isObjectPoolPath } from "../../storage/locator/object-pool-path.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { linkObjects } from "../../storage/object-pool/link-objects.ts";
import { readAlternatesInfo } from "../../storage/repository-info/alternates-info.ts";
import type { GitCall } from "../common/git-call.ts";

/**
 * Finds the object pool that the source of a fork borrows from, when the fork can share its files.
 *
 * @returns the path of the pool; undefined when there is none, or none like that
 */
export function findForkPool(
  locator: RepositoryLocator,
  source: Repository,
  { storageName, storagePath }: LocatedRepository,
): string | undefined {
  if (source.storageName !== storageName || source.gitObjectDirectory !== "") return undefined;
  try {
    const { path } = locator.locate(source);
    const [objects, ...others] = readAlternatesInfo(path)?.absolutePaths ?? [];
    if (objects === undefined || others.length > 0) return undefined;
    const pool = { storageName, relativePath: relative(storagePath, dirname(objects)) };
    return isObjectPoolPath(pool.relativePath) ? locator.locate(pool).path : undefined;
  } catch (error) {
    // The pool only makes it cheaper.
    if (error instanceof DomainError) return undefined;
    throw error;
  }
}

/**
 * Makes a repository that borrows from a pool whole, without copying anything: it gets links to the
 * pool's files. Where that can't be done its objects are copied.
 */
export async function leaveForkPool(
  git: GitRunner,
  fork: LocatedRepository,
  pool: string,
  options: GitCall,
): Promise<void> {
  const [from, to] = [join(pool, "objects"), join(fork.path, "objects")];
  try {
    // Twice: what the pool is packed into meanwhile is there before what was packed goes.
    await linkObjects(from, to, options.signal);
    await linkObjects(from, to, options.signal);
  } catch {
    options.signal.throwIfAborted();
    await git.run(fork, { name: "repack", flags: ["-a", "-d", "--quiet"] }, options);
  }
  await rm(alternatesPath(to));
}
