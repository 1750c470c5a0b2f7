import { dirname } from "node:path";
import { settleObjects } from "../../git/object/held-objects.ts";
import { PASSED_ON_VARIABLES } from "../../gitcmd/command/git-environment.ts";
import type { HookEnvironment, HookUser, PushContext } from "../context/push-context.ts";

/** What custom hooks see of the server, whatever the push. */
export interface CustomHookHost {
  /** The server's own environment; only the part that git gets as well is handed on. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The git that hooks shall run, with the variables that it needs. */
  readonly gitPath: string;
  readonly gitEnvironment: Readonly<Record<string, string>>;
}

/** The whole environment of a custom hook, as `NAME=value`. */
export function customHookEnvironment(
  host: CustomHookHost,
  context: PushContext,
  user: HookUser,
  given: HookEnvironment,
  pushOptions: readonly string[],
): string[] {
  const { repository, correlationId } = context;
  const variables: Record<string, string> = {
    ...passedOn((name) => host.environment[name]),
    ...passedOn((name) => given.get(name)),
    ...pushOptionVariables(pushOptions),
    ...objectDirectories(context, given),
    PATH: searchPath(host, given),
    ...host.gitEnvironment,
    GIT_DIR: repository.path,
    GL_REPOSITORY: repository.glRepository,
    GL_PROJECT_PATH: repository.glProjectPath,
    GL_ID: user.id,
    GL_USERNAME: user.username,
    GL_PROTOCOL: user.protocol,
    ...(correlationId === "" ? {} : { CORRELATION_ID: correlationId }),
  };
  return Object.entries(variables).map(([name, value]) => `${name}=${value}`);
}

function passedOn(value: (name: string) => string | undefined): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const name of PASSED_ON_VARIABLES) {
    const found = value(name);
    if (found !== undefined) variables[name] = found;
  }
  return variables;
}

function pushOptionVariables(options: readonly string[]): Record<string, string> {
  if (options.length === 0) return {};
  const numbered = options.map((option, index) => [`GIT_PUSH_OPTION_${index}`, option] as const);
  return { GIT_PUSH_OPTION_COUNT: String(options.length), ...Object.fromEntries(numbered) };
}

/** Hooks have to see the objects of the push, which are in quarantine until it is accepted. */
function objectDirectories(
  { repository }: PushContext,
  given: HookEnvironment,
): Record<string, string> {
  const directory = given.get("GIT_OBJECT_DIRECTORY") || repository.objectDirectory;
  const alternates =
    given.get("GIT_ALTERNATE_OBJECT_DIRECTORIES") ||
    repository.alternateObjectDirectories?.join(":");
  if (directory !== undefined) settleObjects(directory);
  return {
    ...(directory !== undefined && { GIT_OBJECT_DIRECTORY: directory }),
    ...(alternates !== undefined && { GIT_ALTERNATE_OBJECT_DIRECTORIES: alternates }),
  };
}

/** Hooks shall find the server's git before any other. */
function searchPath(host: CustomHookHost, given: HookEnvironment): string {
  const path = given.get("PATH") || (host.environment["PATH"] ?? "");
  const folder = dirname(host.gitPath);
  return folder === "." ? path : `${folder}:${path}`;
}
