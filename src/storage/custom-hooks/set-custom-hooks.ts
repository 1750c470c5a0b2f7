import { lstatSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import { extractTar } from "../archive/extract-tar.ts";
import { TarError } from "../archive/tar-reader.ts";
import { acquireLock, type HeldLock } from "../file/lock-file.ts";
import { syncPath, syncTree } from "../file/sync.ts";
import type { LocatedRepository, RepositoryLocator } from "../locator/repository-locator.ts";
import { hooksState } from "./hooks-state.ts";

/** The directory of a repository with programs of the operator, which git's hooks run. */
export const CUSTOM_HOOKS = "custom_hooks";

/** Hooks couldn't be replaced; the message tells what was being done. */
export class SetCustomHooksError extends DomainError {
  constructor(doing: string, cause: unknown) {
    const reason = cause instanceof DomainError ? cause.message : systemErrorText(cause);
    const kind = cause instanceof DomainError ? cause.kind : "unknown";
    super(kind, `${doing}: ${reason}`, { cause });
  }
}

export interface SetCustomHooksOptions {
  readonly signal: AbortSignal;
  /** Asks other servers whether they set the same hooks; throws when they don't. */
  readonly vote?: (
    phase: "preparing" | "prepared" | "committed",
    content: Uint8Array,
  ) => Promise<void>;
}

/**
 * Replaces all custom hooks by those in a tar archive, at once. An empty archive, or one without a
 * `custom_hooks` directory, leaves the repository with none.
 *
 * @throws SetCustomHooksError, and what `archive` throws
 */
export async function setCustomHooks(
  locator: RepositoryLocator,
  { path, storageName }: LocatedRepository,
  archive: AsyncIterable<Uint8Array>,
  { signal, vote = async () => {} }: SetCustomHooksOptions,
): Promise<void> {
  const preparing = Buffer.from("preparing set custom hooks");
  await step("casting preparing vote: vote failed", () => vote("preparing", preparing));
  const hooks = join(path, CUSTOM_HOOKS);
  await using _lock = await lock(hooks);
  const folder = locator.temporaryFolder(storageName);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = await mkdtemp(join(folder, "hooks"));
  try {
    await extract(archive, temporary, signal);
    const made = join(temporary, CUSTOM_HOOKS);
    await mkdir(made, { recursive: true, mode: 0o700 });
    const state = await hooksState(made);
    await step("casting prepared vote: vote failed", () => vote("prepared", state));
    signal.throwIfAborted();
    await syncTree(made);
    if (lstatSync(hooks, { throwIfNoEntry: false }) !== undefined) {
      await rename(hooks, join(temporary, "previous_hooks"));
    }
    await rename(made, hooks);
    await syncPath(path);
    await step("casting committed vote: vote failed", () => vote("committed", state));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function step(doing: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw error instanceof DomainError ? new SetCustomHooksError(doing, error) : error;
  }
}

async function lock(path: string): Promise<HeldLock> {
  try {
    return await acquireLock(path);
  } catch (error) {
    throw new SetCustomHooksError("locking hooks", error);
  }
}

async function extract(
  archive: AsyncIterable<Uint8Array>,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await extractTar(archive, directory, { signal, only: CUSTOM_HOOKS, absoluteLinks: true });
  } catch (error) {
    if (!(error instanceof TarError)) throw error;
    const doing = "extracting hooks: waiting for tar command completion";
    throw new SetCustomHooksError(doing, new UnpackError(error));
  }
}

/** How the reference server's unpacking program ends. */
class UnpackError extends DomainError {
  constructor(cause: TarError) {
    super("unknown", "exit status 2", { cause, metadata: { stderr: cause.message } });
  }
}
