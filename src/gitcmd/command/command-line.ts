import { quoteText } from "../../base/text/quote-text.ts";
import type { ConfigPair, GitCommand, GitFlag } from "../git-command.ts";
import type { GitDirectory } from "../git-directory.ts";
import { GitCommandError, type HooksChoice } from "../git-runner.ts";
import type { GitSubcommand } from "./git-subcommand.ts";
import { type SubcommandTraits, subcommandTraits } from "./subcommand.ts";

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

/** Checks a command and tells git's arguments, without the program's name. */
export type BuildCommandLine = (
  directory: GitDirectory | undefined,
  command: GitCommand,
  hooks: HooksChoice | undefined,
) => Argument[];

/** Throws `GitCommandError` when a setting of the defaults has an invalid key. */
export function createCommandLine(defaults: CommandLineDefaults): BuildCommandLine {
  const general = configArguments(defaults.globalConfig);
  const admin = configArguments(defaults.adminConfig);
  const ofSubcommands = new Map<GitSubcommand, readonly string[]>();
  return (directory, command, hooks) => {
    const traits = checkedTraits(command, hooks);
    let fixed = ofSubcommands.get(command.name);
    if (fixed === undefined) {
      fixed = [...general, ...configArguments(traits.config?.(defaults.cpuCount) ?? [])];
      ofSubcommands.set(command.name, fixed);
    }
    // Git takes the last of several values, so the order is from the general to the special.
    const line: Argument[] = [
      ...placeArguments(directory),
      ...fixed,
      ...hooksConfig(hooks, runsHooks(command.name, directory, hooks)),
      ...configArguments(command.config ?? []),
      ...attributeConfig(directory, command.name),
      ...admin,
      ...(command.literalPathspecs === true ? ["--literal-pathspecs"] : []),
      ...subcommandArguments(command, traits, defaults),
    ];
    for (const argument of line) refuseNul(argument);
    return line;
  };
}

function checkedTraits(command: GitCommand, hooks: HooksChoice | undefined): SubcommandTraits {
  const traits = subcommandTraits(command.name);
  if (traits === undefined) {
    throw new GitCommandError(
      `invalid sub command name ${quoteText(command.name)}: invalid argument`,
    );
  }
  if (traits.mayUpdateRefs && hooks === undefined) {
    throw new GitCommandError(
      `subcommand ${quoteText(command.name)}: hook payload is required but not configured`,
    );
  }
  return traits;
}

function subcommandArguments(
  command: GitCommand,
  traits: SubcommandTraits,
  defaults: CommandLineDefaults,
): Argument[] {
  const paths = command.paths ?? [];
  return [
    command.name,
    ...(command.verb === undefined ? [] : [checkedVerb(command.verb)]),
    ...flagArguments(command, defaults),
    ...(traits.endOfOptions ? ["--end-of-options"] : []),
    ...positionalArguments(command.args ?? [], traits),
    ...(paths.length === 0 ? [] : ["--", ...paths]),
  ];
}

function placeArguments(directory: GitDirectory | undefined): string[] {
  // What watches files is a program, and would be one that the repository's configuration names.
  const unwatched = ["-c", "core.fsmonitor=false"];
  if (directory?.worktree !== undefined) return ["-C", directory.worktree, ...unwatched];
  return directory === undefined ? [] : ["--git-dir", directory.path];
}

function configArguments(pairs: readonly ConfigPair[]): string[] {
  return pairs.flatMap(({ key, value }) => ["-c", `${checkedKey(key)}=${value}`]);
}

/** Throws `GitCommandError` for the first key that isn't valid. */
export function checkConfigKeys(pairs: readonly ConfigPair[]): void {
  for (const { key } of pairs) checkedKey(key);
}

/** What a repository's configuration could have run while references change. */
const CONFIGURED_HOOKS: readonly string[] = [
  ..."reference-transaction pre-receive update post-receive post-update proc-receive".split(" "),
  ..."push-to-checkout pre-push post-checkout post-merge post-index-change".split(" "),
  ..."applypatch-msg pre-applypatch post-applypatch post-rewrite".split(" "),
].flatMap((event) => ["-c", `hook.${event}.enabled=false`]);

/** Hooks in a repository, and in its configuration, were put there by nobody we know. */
function hooksConfig(hooks: HooksChoice | undefined, mayRun: boolean): readonly string[] {
  const path = typeof hooks === "object" ? hooks.hooksPath : "/dev/null";
  // These don't keep git from running what is in the folder.
  const configured = mayRun ? CONFIGURED_HOOKS : [];
  return ["-c", `core.hooksPath=${path}`, ...configured];
}

function runsHooks(
  name: GitSubcommand,
  directory: GitDirectory | undefined,
  hooks: HooksChoice | undefined,
): boolean {
  return hooks !== undefined || directory?.worktree !== undefined || name === "push";
}

/** In a bare repository only some commands shall look at the attributes that HEAD has. */
function attributeConfig(
  directory: GitDirectory | undefined,
  name: GitSubcommand,
): readonly string[] {
  if (directory === undefined) return [];
  if (READS_ATTRIBUTES.has(name)) return ["-c", "attr.tree=HEAD"];
  const format = directory.objectFormat;
  return format === undefined ? [] : ["-c", `attr.tree=${EMPTY_TREE[format]}`];
}

function flagArguments(command: GitCommand, { refFormat }: CommandLineDefaults): Argument[] {
  const flags = (command.flags ?? []).flatMap((flag) => checkedFlag(command.name, flag));
  const chooses = flags.some((word) => typeof word === "string" && word.startsWith("--ref-format"));
  const creates = !chooses && (command.name === "init" || command.name === "clone");
  return creates && refFormat !== undefined ? [...flags, `--ref-format=${refFormat}`] : flags;
}

function checkedFlag(name: GitSubcommand, flag: GitFlag): readonly Argument[] {
  const words = typeof flag === "string" ? ([flag] as const) : flag;
  const [word] = words;
  // `git bundle create -` writes to stdout.
  if (FLAG.test(word) || (name === "bundle" && flag === "-")) return words;
  const kind = words.length === 1 ? "flag" : "value flag";
  throw new GitCommandError(`${kind} ${quoteText(word)} failed regex validation: invalid argument`);
}

function positionalArguments(
  args: readonly Argument[],
  traits: SubcommandTraits,
): readonly Argument[] {
  for (const argument of args) {
    const arg = typeof argument === "string" ? argument : Buffer.from(argument).toString();
    if (!arg.startsWith("-")) continue;
    if (traits.pseudoRevisions !== true) {
      throw new GitCommandError(
        `positional arg ${quoteText(arg)} cannot start with dash '-': invalid argument`,
      );
    }
    if (!PSEUDO_REVISION.test(arg)) {
      throw new GitCommandError(
        "validating positional argument: revision can't start with '-'",
        { metadata: { argument: arg } },
        "invalid-argument",
      );
    }
  }
  return args;
}

function checkedVerb(verb: string): string {
  if (VERB.test(verb)) return verb;
  throw new GitCommandError(`invalid action ${quoteText(verb)}: invalid argument`);
}

function checkedKey(key: string): string {
  const flaw = keyFlaw(key);
  if (flaw === undefined) return key;
  throw new GitCommandError(`invalid configuration key ${quoteText(key)}: key: ${flaw}`);
}

function keyFlaw(key: string): string | undefined {
  if (CONFIG_KEY.test(key)) return undefined;
  if (key === "") return "not set";
  if (key.includes("=")) return `key ${quoteText(key)} cannot contain "="`;
  if (!key.includes(".")) return `key ${quoteText(key)} must contain at least one section`;
  if (key.startsWith(".") || key.endsWith(".")) {
    return `key ${quoteText(key)} must not start or end with a dot`;
  }
  return `key ${quoteText(key)} failed regexp validation`;
}

function refuseNul(argument: Argument): void {
  if (typeof argument === "string" ? !argument.includes("\0") : !argument.includes(0)) return;
  const text = typeof argument === "string" ? argument : Buffer.from(argument).toString();
  throw new GitCommandError(`detected null byte in command argument ${quoteText(text)}`);
}
