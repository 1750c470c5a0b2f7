import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { DomainError } from "../../base/error/domain-error.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import type { GitDirectory } from "../../gitcmd/git-directory.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { Call } from "../../rpc/call.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { cleanWorktrees } from "../../storage/housekeeping/clean-worktrees.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { DIRECTORY_MODE } from "../../storage/repository/create-repository.ts";
import { collectGit, stderrSuffix } from "./collect-git.ts";
import type { OpenedStream } from "./first-request.ts";
import { type GitCall, gitCall } from "./git-call.ts";
import { forgetOrigin, runClone } from "./run-clone.ts";
import type { VotingHooks } from "./voting-hooks.ts";

/** There is nothing to put into a bundle. */
export class EmptyBundleError extends DomainError {
  constructor() {
    super("unknown", "create bundle: refusing to create empty bundle");
  }
}

/** Removes working trees that are left over: git would bundle what they have checked out, too. */
export async function prepareBundle(
  git: GitRunner,
  repository: LocatedRepository,
  call: Call,
): Promise<void> {
  try {
    await cleanWorktrees(git, repository, Date.now(), gitCall(call));
  } catch (error) {
    throw wrapError("internal", "cleaning up worktrees", error);
  }
}

/**
 * Bundles references and what they reach, see git-bundle(1): all of them, or those that `patterns`
 * name in the words of `git rev-list --stdin`, where missing ones don't count.
 *
 * @throws EmptyBundleError
 */
export async function* bundleReferences(
  git: GitRunner,
  repository: GitDirectory,
  options: GitCall,
  patterns?: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer, void, undefined> {
  const flags = patterns === undefined ? ["--all"] : ["--ignore-missing", "--stdin"];
  const command = { name: "bundle", verb: "create", flags: ["-", ...flags] } as const;
  const stdin = patterns === undefined ? {} : { stdin: patterns };
  try {
    yield* git.stream(repository, command, { ...options, ...stdin });
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    if (error.stderr.startsWith("fatal: Refusing to create empty bundle.")) {
      throw new EmptyBundleError();
    }
    const message = `create bundle: ${error.message}: stderr: ${quoteText(error.stderr)}`;
    throw new RpcError("unknown", message, { cause: error });
  }
}

/** A bundle in a file of its own, as git wants to have it. Disposing of it removes the file. */
export interface BundleFile extends AsyncDisposable {
  readonly path: string;
}

/** Writes a bundle that comes in pieces into a storage's temporary folder. */
export async function receiveBundle(
  locator: RepositoryLocator,
  storageName: string,
  pieces: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<BundleFile> {
  const parent = locator.temporaryFolder(storageName);
  await mkdir(parent, { recursive: true, mode: DIRECTORY_MODE });
  const folder = await mkdtemp(join(parent, "repo"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, "repo.bundle");
    await pipeline(pieces, createWriteStream(path, { flags: "wx", mode: 0o600 }), { signal });
    return { path, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    signal.throwIfAborted();
    throw error;
  }
}

/** The pieces of a bundle that come with the messages of a client's stream. */
export async function* bundlePieces({
  first,
  rest,
}: OpenedStream<{ readonly data: Uint8Array }>): AsyncGenerator<Uint8Array, void, undefined> {
  yield first.data;
  for await (const { data } of rest) yield data;
}

/** Git would check what a bundle brings, but for its failures to do so as it is configured. */
const UNCHECKED = { key: "transfer.fsckObjects", value: "false" } as const;

/** Fills a repository that is being made with what a bundle holds. */
export async function cloneBundle(
  git: GitRunner,
  temporary: LocatedRepository,
  { path }: BundleFile,
  options: GitCall,
): Promise<void> {
  const clone = { url: path, flags: ["--mirror"], config: [UNCHECKED] };
  const { failure, stderr } = await runClone(git, temporary, clone, options);
  if (failure !== undefined) {
    const message = `waiting for git-clone: ${failure.message}`;
    throw new RpcError("unknown", message, { cause: failure, metadata: { stderr } });
  }
  await forgetOrigin(git, temporary, { ...options, isMirror: true }).catch((error: unknown) => {
    throw wrapError("unknown", "waiting for git-remote", error);
  });
}

/** The bundle's name as a remote for the time of the fetch. */
const REMOTE = "inmemory";

/**
 * Sets a repository's references to those of a bundle; others stay. All of them change or none.
 *
 * @param hooks see `votingHooks`
 */
export async function fetchBundle(
  git: GitRunner,
  repository: LocatedRepository,
  { path }: BundleFile,
  options: GitCall & VotingHooks,
): Promise<void> {
  const config = [
    UNCHECKED,
    { key: "advice.fetchShowForcedUpdates", value: "false" },
    { key: `remote.${REMOTE}.followremotehead`, value: "never" },
    { key: `remote.${REMOTE}.url`, value: path },
    { key: `remote.${REMOTE}.fetch`, value: "+refs/*:refs/*" },
  ];
  const flags = ["--no-write-fetch-head", "--quiet", "--atomic"];
  const command = { name: "fetch", config, flags, args: [REMOTE] } as const;
  const fetched = await collectGit(git, repository, command, options);
  const { failure } = fetched;
  if (failure === undefined) return;
  const problem = `${failure.message}${stderrSuffix(fetched)}`;
  throw new RpcError("unknown", problem, { cause: failure });
}
