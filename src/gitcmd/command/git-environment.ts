import { quoteText } from "../../base/text/quote-text.ts";
import { settleObjects } from "../../git/object/held-objects.ts";
import type { GitDirectory } from "../git-directory.ts";
import { GitCommandError } from "../git-runner.ts";

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

type Environment = Readonly<Record<string, string | undefined>>;

/** What git and custom hooks get to see of the server's own environment. */
export const PASSED_ON_VARIABLES: readonly string[] = [
  "HOME",
  "PATH",
  "LD_LIBRARY_PATH",
  "TZ",
  "GIT_TRACE",
  "GIT_TRACE_PACK_ACCESS",
  "GIT_TRACE_PACKET",
  "GIT_TRACE_PERFORMANCE",
  "GIT_TRACE_SETUP",
  "GIT_EXEC_PATH",
  "GIT_DEFAULT_REF_FORMAT",
  "all_proxy",
  "http_proxy",
  "HTTP_PROXY",
  "https_proxy",
  "HTTPS_PROXY",
  "no_proxy",
  "NO_PROXY",
  "GITALY_TESTING_ENABLE_ALL_FEATURE_FLAGS",
];

/** Set for every git, whatever anybody says: English texts, no prompts, no settings but ours. */
const FIXED: Readonly<Record<string, string>> = {
  LANG: "en_US.UTF-8",
  GIT_TERMINAL_PROMPT: "0",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  XDG_CONFIG_HOME: "/dev/null",
};

/** Tells the whole environment of one git process, as `NAME=value`. */
export type BuildEnvironment = (
  directory: GitDirectory | undefined,
  command: Readonly<Record<string, string>> | undefined,
) => readonly string[];

/** Variables of the command win over the server's, the binary's and the fixed ones over both. */
export function createEnvironment(
  server: Environment,
  binary: Readonly<Record<string, string>>,
): BuildEnvironment {
  const passedOn: Record<string, string> = {};
  for (const name of PASSED_ON_VARIABLES) {
    const value = server[name];
    if (value !== undefined) passedOn[name] = value;
  }
  const unchanged = toPairs({ ...passedOn, ...binary, ...FIXED });
  return (directory, command) => {
    const ofRepository = objectDirectories(directory);
    if (ofRepository === undefined && command === undefined) return unchanged;
    return toPairs({ ...passedOn, ...ofRepository, ...checked(command), ...binary, ...FIXED });
  };
}

function toPairs(variables: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(variables).map(([name, value]) => `${name}=${value}`);
}

function checked(
  variables: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> | undefined {
  for (const [name, value] of Object.entries(variables ?? {})) {
    if (NAME.test(name) && !value.includes("\0")) continue;
    throw new GitCommandError(`environment variable ${quoteText(name)} is invalid`);
  }
  return variables;
}

function objectDirectories(
  directory: GitDirectory | undefined,
): Readonly<Record<string, string>> | undefined {
  const objects = directory?.objectDirectory;
  const alternates = directory?.alternateObjectDirectories ?? [];
  if (objects === undefined && alternates.length === 0) return undefined;
  for (const path of [objects ?? "", ...alternates]) settleObjects(path);
  return {
    ...(objects !== undefined && { GIT_OBJECT_DIRECTORY: objects }),
    ...(alternates.length > 0 && { GIT_ALTERNATE_OBJECT_DIRECTORIES: alternates.join(":") }),
  };
}
