import { access, constants } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { createEnvironment } from "../command/git-environment.ts";
import { GitNotFoundError } from "../git-runner.ts";
import type { ProcessSpawner } from "../spawn/process-spawner.ts";
import type { GitBinary } from "./git-binary.ts";
import { parseGitVersion, reachesVersion } from "./git-version.ts";

/** The oldest git that knows everything we ask for. */
const MINIMUM = { major: 2, minor: 47 };

type Environment = Readonly<Record<string, string | undefined>>;

export interface FindGitOptions {
  readonly spawner: ProcessSpawner;
  /** `[git] bin_path` of the configuration. When given, no other git is looked at. */
  readonly binPath?: string | undefined;
  /** The server's own environment: `PATH`, `HOME`, `XDG_CACHE_HOME`, `GITALY_TESTING_GIT_BINARY`. */
  readonly environment: Environment;
  readonly signal: AbortSignal;
}

/**
 * Finds the git to run: the configured one, else the one named by `GITALY_TESTING_GIT_BINARY`, else
 * the one that the set-up has built, else the one on the `PATH`.
 *
 * Throws `GitNotFoundError`, whose message says what to do, when none is 2.47 or newer.
 */
export async function findGit(options: FindGitOptions): Promise<GitBinary> {
  const refused: string[] = [];
  for (const path of candidates(options)) {
    options.signal.throwIfAborted();
    if (!(await isExecutable(path))) {
      if (path === options.binPath) refused.push(`${path} is no program`);
      continue;
    }
    const text = await versionText(path, options);
    const version = text === undefined ? undefined : parseGitVersion(text);
    if (version !== undefined && reachesVersion(version, MINIMUM.major, MINIMUM.minor)) {
      return { path, version, env: extraVariables(options, path) };
    }
    refused.push(`${path} ${version === undefined ? "is no git" : `is version ${version.text}`}`);
  }
  throw new GitNotFoundError(notFoundMessage(options, refused));
}

/** The place where `tools/setup/git.sh` puts the git that it builds. */
export function builtGitPath(environment: Environment): string | undefined {
  const { XDG_CACHE_HOME: cache, HOME: home } = environment;
  const folder = cache || (home === undefined ? undefined : join(home, ".cache"));
  return folder === undefined ? undefined : join(folder, "gitaly-ts/git/current/bin/git");
}

function candidates({ binPath, environment }: FindGitOptions): string[] {
  if (binPath !== undefined && binPath !== "") return [binPath];
  const folders = (environment["PATH"] ?? "").split(delimiter).filter(isAbsolute);
  const paths = [
    environment["GITALY_TESTING_GIT_BINARY"],
    builtGitPath(environment),
    ...folders.map((folder) => join(folder, "git")),
  ];
  return paths.filter((path) => path !== undefined).filter((path) => path !== "");
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What `git version` prints; undefined when the program at `path` can't be run or fails. */
async function versionText(path: string, options: FindGitOptions): Promise<string | undefined> {
  const { spawner, environment } = options;
  try {
    const { stdout, exited } = await spawner.spawn({
      program: path,
      args: ["version"],
      env: createEnvironment(environment, {})(undefined, undefined),
      cwd: "/",
      stdin: "null",
      stderr: "collect",
      channel: false,
    });
    const text = await firstBytes(stdout);
    return (await exited).exitCode === 0 ? text : undefined;
  } catch {
    return undefined;
  }
}

async function firstBytes(stdout: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const chunk of stdout) if (text.length < 1024) text += chunk.toString("latin1");
  return text;
}

/** git's own wrapper for tests would choose its templates over ours. */
function extraVariables({ environment }: FindGitOptions, path: string): Record<string, string> {
  const isForTests = environment["GITALY_TESTING_GIT_BINARY"] === path;
  return isForTests ? { NO_SET_GIT_TEMPLATE_DIR: "YesPlease" } : {};
}

function notFoundMessage({ binPath }: FindGitOptions, refused: readonly string[]): string {
  const minimum = `git ${MINIMUM.major}.${MINIMUM.minor} or newer`;
  const found = refused.length === 0 ? "none was found" : refused.join(", ");
  const isConfigured = binPath !== undefined && binPath !== "";
  const remedy = isConfigured
    ? "set [git] bin_path to such a git, or remove it to use the one that tools/setup/git.sh builds"
    : "install such a git, set [git] bin_path, or build one with tools/setup/git.sh";
  return `${minimum} is needed, but ${found}: ${remedy}`;
}
