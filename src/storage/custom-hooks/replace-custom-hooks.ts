import { lstat, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { isMissing, systemErrorText } from "../../base/error/system-error-text.ts";
import { extractTar } from "../archive/extract-tar.ts";
import { TarError } from "../archive/tar-reader.ts";
import { acquireLock, type HeldLock } from "../file/lock-file.ts";
import { syncPath, syncTree } from "../file/sync.ts";
import type { LocatedRepository } from "../locator/repository-locator.ts";
import { hashHooks } from "./hash-hooks.ts";

/** The folder of a repository, and of an archive, that holds the operator's programs. */
export const CUSTOM_HOOKS_FOLDER = "custom_hooks";

/** Leave that is asked for while hooks are replaced; whatever it throws stops that. */
export interface ReplacementConsent {
  /** Asked before anything is done. */
  prepare(): Promise<void>;
  /** Asked when the new hooks are at hand; `hash` makes up what they are summed up in. */
  replace(hash: () => Promise<Buffer>): Promise<void>;
  /** Told when they are in place. */
  replaced(hash: () => Promise<Buffer>): Promise<void>;
}

/** Hooks couldn't be replaced; the message tells what was being done. */
export class CustomHooksError extends DomainError {
  constructor(doing: string, cause: unknown) {
    const kind = cause instanceof DomainError ? cause.kind : "unknown";
    super(kind, `${doing}: ${systemErrorText(cause)}`, { cause });
  }
}

/**
 * Replaces all of a repository's own hooks by those in a tar archive: nobody ever sees some of the
 * new ones. What isn't in the archive's folder of hooks is ignored, and no such folder, or no
 * archive at all, means no hooks.
 *
 * @param folder where the archive is unpacked, on the same file system as the repository
 * @throws CustomHooksError, and what `archive` and `consent` throw
 */
export async function replaceCustomHooks(
  { path }: LocatedRepository,
  archive: AsyncIterable<Uint8Array>,
  folder: string,
  consent: ReplacementConsent,
  signal: AbortSignal,
): Promise<void> {
  await consent.prepare();
  const target = join(path, CUSTOM_HOOKS_FOLDER);
  await using _lock = await lockHooks(target);
  await using temporary = await makeFolder(folder);
  const source = join(temporary.path, CUSTOM_HOOKS_FOLDER);
  await extract(archive, temporary.path, signal);
  await during("making temp hooks directory", () => makeHooks(source));
  await consent.replace(() => during("generating prepared vote", () => hashHooks(source)));
  signal.throwIfAborted();
  await during("syncing extracted custom hooks", () => syncHooks(source));
  await swap(source, target, join(temporary.path, "previous_hooks"));
  await during("syncing custom hooks parent directory", () => syncPath(path));
  await consent.replaced(() => during("generating committed vote", () => hashHooks(target)));
}

async function lockHooks(target: string): Promise<HeldLock> {
  return during("locking hooks", () => acquireLock(target));
}

async function makeFolder(parent: string): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await during("creating temp directory", async () => {
    await mkdir(parent, { recursive: true, mode: 0o755 });
    return mkdtemp(join(parent, "custom-hooks-"));
  });
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Links may lead anywhere: whoever can set hooks has programs run anyway. */
async function extract(
  archive: AsyncIterable<Uint8Array>,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const rest = archive[Symbol.asyncIterator]();
  // Clients send the archive to its end, whether that is wanted or not.
  const source = { [Symbol.asyncIterator]: () => ({ next: () => rest.next() }) };
  try {
    const options = { signal, only: CUSTOM_HOOKS_FOLDER, absoluteLinks: true };
    await extractTar(source, directory, options);
    while ((await rest.next()).done !== true) signal.throwIfAborted();
  } catch (error) {
    signal.throwIfAborted();
    throw extractFailure(error);
  }
}

/** What is said of an archive that can't be unpacked. */
export function extractFailure(error: unknown): CustomHooksError {
  if (!(error instanceof TarError)) return new CustomHooksError("extracting hooks", error);
  const doing = "extracting hooks: waiting for tar command completion";
  return new CustomHooksError(doing, new UnpackError(error));
}

/** What clients know of the program that the reference server unpacks with. */
class UnpackError extends DomainError {
  constructor(cause: TarError) {
    super("unknown", "exit status 2", { cause, metadata: { stderr: cause.message } });
  }
}

/** Makes the folder unless the archive had one, or had something else of that name. */
async function makeHooks(path: string): Promise<void> {
  if ((await lstat(path).catch(() => undefined)) === undefined) await mkdir(path, { mode: 0o700 });
}

async function syncHooks(path: string): Promise<void> {
  if ((await lstat(path)).isDirectory()) await syncTree(path);
}

async function swap(source: string, target: string, previous: string): Promise<void> {
  const hadHooks = await during("moving current hooks to temp", async () => {
    try {
      await rename(target, previous);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  });
  try {
    await rename(source, target);
  } catch (error) {
    if (hadHooks) await rename(previous, target);
    throw new CustomHooksError("moving new hooks to repo", error);
  }
}

async function during<Result>(doing: string, step: () => Promise<Result>): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    throw new CustomHooksError(doing, error);
  }
}
