import type { GitDirectory } from "../git-directory.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What git gets to see of the server's own environment. */
const PASSED_ON: readonly string[] = [
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

/** The whole environment of one git process, as `NAME=value`. */
export function gitEnvironment(
  server: Environment,
  binary: Readonly<Record<string, string>>,
  directory: GitDirectory | undefined,
  command: Readonly<Record<string, string>> | undefined,
): string[] {
  const variables: Record<string, string> = {};
  for (const name of PASSED_ON) {
    const value = server[name];
    if (value !== undefined) variables[name] = value;
  }
  Object.assign(variables, objectDirectories(directory), command, binary, FIXED);
  return Object.entries(variables).map(([name, value]) => `${name}=${value}`);
}

function objectDirectories(directory: GitDirectory | undefined): Record<string, string> {
  const variables: Record<string, string> = {};
  if (directory?.objectDirectory !== undefined) {
    variables["GIT_OBJECT_DIRECTORY"] = directory.objectDirectory;
  }
  const alternates = directory?.alternateObjectDirectories ?? [];
  if (alternates.length > 0) variables["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = alternates.join(":");
  return variables;
}
