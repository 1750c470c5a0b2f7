import type { Dirent } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import type { Logger } from "../../base/log/logger.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import { ConfigError } from "./config-error.ts";

/**
 * The files of one running process: `gitaly-PID` below the configured directory, or a temporary
 * directory of its own.
 */
export interface RuntimeDirectory extends AsyncDisposable {
  readonly path: string;
  /** Where our own git processes and hooks call back. */
  readonly internalSocketPath: string;
}

/**
 * Makes the runtime directory with its `sock.d`, and removes it when it is disposed of.
 *
 * `parent` is the configuration's `runtime_dir`; empty for a temporary directory. A directory that
 * an earlier process with this id has left is emptied. Throws ConfigError.
 */
export async function createRuntimeDirectory(
  parent: string,
  processId: number,
): Promise<RuntimeDirectory> {
  const path = parent === "" ? await makeTemporary() : await makeOwn(parent, processId);
  const dispose = (): Promise<void> => rm(path, { recursive: true, force: true });
  const sockets = join(path, "sock.d");
  try {
    await attempt("create internal socket directory", () => mkdir(sockets, { mode: 0o700 }));
    await attempt("failed creating internal test socket", () => trySocket(sockets));
  } catch (error) {
    await dispose();
    throw error;
  }
  return { path, internalSocketPath: join(sockets, "intern"), [Symbol.asyncDispose]: dispose };
}

function makeTemporary(): Promise<string> {
  return attempt("creating temporary runtime directory", () => mkdtemp(join(tmpdir(), "gitaly-")));
}

async function makeOwn(parent: string, processId: number): Promise<string> {
  const path = join(parent, `gitaly-${processId}`);
  // A directory of our own process id belongs to a process that is no more.
  const doing = "removing old runtime directory";
  await attempt(doing, () => rm(path, { recursive: true, force: true }));
  await attempt("creating runtime directory", () => mkdir(path, { mode: 0o700 }));
  return path;
}

/** Paths of sockets are limited to about 100 bytes, which only listening on one can tell. */
function trySocket(folder: string): Promise<void> {
  const path = join(folder, "tsocket");
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EINVAL") {
        reject(new Error(`socket could not be created in ${folder}: ${systemErrorText(error)}`));
        return;
      }
      const advice =
        "your socket path is likely too long, please change Gitaly's runtime directory";
      reject(new Error(`invalid argument: ${advice}`));
    });
    server.listen(path, () => server.close(() => resolve()));
  });
}

async function attempt<T>(doing: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new ConfigError(`${doing}: ${systemErrorText(error)}`, { cause: error });
  }
}

/**
 * Removes the runtime directories that processes without a proper end have left below `parent`.
 *
 * Everything else there is left alone, and told to the log. Throws ConfigError when `parent` can't
 * be read.
 */
export async function pruneRuntimeDirectories(parent: string, logger: Logger): Promise<void> {
  const entries = await attempt("list gitaly process directory", () =>
    readdir(parent, { withFileTypes: true }),
  );
  for (const entry of entries) {
    const path = join(parent, entry.name);
    const log = logger.with({ path });
    try {
      await pruneEntry(path, entry, log);
    } catch (error) {
      log.error("could not prune entry", { error });
    }
  }
}

async function pruneEntry(path: string, entry: Dirent, log: Logger): Promise<void> {
  if (!entry.isDirectory()) {
    log.info("ignoring file found in gitaly process directory");
    return;
  }
  const processId = /^gitaly-(\d{1,10})$/.exec(entry.name)?.[1];
  if (processId === undefined) {
    const shown = quoteText(entry.name);
    throw new Error(`gitaly process directory contains an unexpected directory: ${shown}`);
  }
  // 0 is what a process has written that failed before it knew its id.
  const isOrphan = Number(processId) === 0;
  if (!isOrphan && isOurs(Number(processId))) return;
  await rm(path, { recursive: true, force: true });
  log.info(
    isOrphan ? "removed gitaly directory with no pid" : "removed leftover gitaly process directory",
  );
}

/** Whether a process of this id exists that could be ours: one of another user can't. */
function isOurs(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}
