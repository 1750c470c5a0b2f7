import type { ConfigPair, GitCommand, GitFlag } from "../git-command.ts";
import type { GitDirectory } from "../git-directory.ts";
import { GitCommandError, type HooksChoice } from "../git-runner.ts";
import { type GitSubcommand, type SubcommandTraits, subcommandTraits } from "./subcommand.ts";

/** What stays the same for all commands of one server. */
export interface CommandLineDefaults {
  /** Applied to every command, see `globalConfig`. */
  readonly globalConfig: readonly ConfigPair[];
  /** The administrator's `[[git.config]]`, which wins over everything. */
  readonly adminConfig: readonly ConfigPair[];
  readonly cpuCount: number;
  /** With `GIT_DEFAULT_REF_FORMAT` in the environment, new repositories follow that instead. */
  readonly refFormat: "files" | undefined;
}

/** An argument: text goes as UTF-8, bytes as they are. */
export type Argument = string | Uint8Array;

const FLAG = /^--?[0-9A-Za-z]/;
const VERB = /^[0-9A-Za-z]+[-0-9A-Za-z]*$/;
const CONFIG_KEY = /^[0-9A-Za-z]+(\.[*-/_:@a-zA-Z0-9]+)+$/;
const PSEUDO_REVISION = /^--(?:(?:all|not|branches|tags|alternate-refs)$|(?:branches|tags|glob)=)/;

/** The ids of the tree without entries, which git knows without having it. */
const EMPTY_TREE = {
  sha1: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
  sha256: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
};

/** These look at attributes of the files they handle; the last three are spared the difference. */
const READS_ATTRIBUTES: ReadonlySet<GitSubcommand> = new Set<GitSubcommand>([
  "archive",
  "check-attr",
  "diff",
  "format-patch",
  "log",
  "merge-tree",
  "worktree",
  "cat-file",
  "rev-parse",
  "update-ref",
]);

/** Checks `command` and returns git's arguments, without the program's name. */
export function commandLine(
  directory: GitDirectory | undefined,
  command: GitCommand,
  hooks: HooksChoice | undefined,
  defaults: CommandLineDefaults,
): Argument[] {
  const traits = subcommandTraits(command.name);
  if (traits === undefined) throw new GitCommandError(`invalid sub command name "${command.name}"`);
  if (traits.mayUpdateRefs && hooks === undefined) {
    throw new GitCommandError("hook payload is required but not configured", {
      metadata: { subcommand: command.name },
    });
  }
  const line: Argument[] = [
    ...placeArguments(directory),
    ...configArguments(directory, command, hooks, traits, defaults),
    ...(command.literalPathspecs === true ? ["--literal-pathspecs"] : []),
    command.name,
    ...(command.verb === undefined ? [] : [checkedVerb(command.verb)]),
    ...flagArguments(command, defaults),
    ...(traits.endOfOptions ? ["--end-of-options"] : []),
    ...positionalArguments(command.args ?? [], traits),
    ...(command.paths === undefined || command.paths.length === 0 ? [] : ["--", ...command.paths]),
  ];
  for (const argument of line) refuseNul(argument);
  return line;
}

function placeArguments(directory: GitDirectory | undefined): string[] {
  if (directory?.worktree !== undefined) return ["-C", directory.worktree];
  return directory === undefined ? [] : ["--git-dir", directory.path];
}

/** Git takes the last of several values, so the order is from the general to the special. */
function configArguments(
  directory: GitDirectory | undefined,
  command: GitCommand,
  hooks: HooksChoice | undefined,
  traits: SubcommandTraits,
  defaults: CommandLineDefaults,
): string[] {
  const pairs = [
    ...defaults.globalConfig,
    // Hooks in a repository were put there by nobody we know.
    { key: "core.hooksPath", value: typeof hooks === "object" ? hooks.hooksPath : "/dev/null" },
    ...(traits.config?.(defaults.cpuCount) ?? []),
    ...(command.config ?? []),
    ...attributeConfig(directory, command.name),
    ...defaults.adminConfig,
  ];
  return pairs.flatMap(({ key, value }) => ["-c", `${checkedKey(key)}=${value}`]);
}

/** In a bare repository only some commands shall look at the attributes that HEAD has. */
function attributeConfig(directory: GitDirectory | undefined, name: GitSubcommand): ConfigPair[] {
  if (directory === undefined) return [];
  if (READS_ATTRIBUTES.has(name)) return [{ key: "attr.tree", value: "HEAD" }];
  const format = directory.objectFormat;
  return format === undefined ? [] : [{ key: "attr.tree", value: EMPTY_TREE[format] }];
}

function flagArguments(command: GitCommand, { refFormat }: CommandLineDefaults): string[] {
  const flags = (command.flags ?? []).flatMap((flag) => checkedFlag(command.name, flag));
  const creates = command.name === "init" || command.name === "clone";
  return creates && refFormat !== undefined ? [...flags, `--ref-format=${refFormat}`] : flags;
}

function checkedFlag(name: GitSubcommand, flag: GitFlag): readonly string[] {
  const words = typeof flag === "string" ? [flag] : flag;
  // `git bundle create -` writes to stdout.
  if (FLAG.test(words[0] ?? "") || (name === "bundle" && flag === "-")) return words;
  throw new GitCommandError(
    `flag ${quoted(words[0] ?? "")} failed regex validation: invalid argument`,
  );
}

function positionalArguments(args: readonly string[], traits: SubcommandTraits): readonly string[] {
  for (const arg of args) {
    if (!arg.startsWith("-")) continue;
    if (traits.pseudoRevisions === true && PSEUDO_REVISION.test(arg)) continue;
    throw new GitCommandError(
      `positional arg ${quoted(arg)} cannot start with dash '-': invalid argument`,
    );
  }
  return args;
}

function checkedVerb(verb: string): string {
  if (VERB.test(verb)) return verb;
  throw new GitCommandError(`invalid action ${quoted(verb)}: invalid argument`);
}

function checkedKey(key: string): string {
  if (CONFIG_KEY.test(key)) return key;
  throw new GitCommandError(`invalid configuration key ${quoted(key)}`);
}

function refuseNul(argument: Argument): void {
  if (typeof argument === "string" ? !argument.includes("\0") : !argument.includes(0)) return;
  const text = typeof argument === "string" ? argument : Buffer.from(argument).toString();
  throw new GitCommandError(`detected null byte in command argument ${quoted(text)}`);
}

function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("\\u0000", "\\x00");
}
