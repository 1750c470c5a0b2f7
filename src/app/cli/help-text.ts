import type { Command } from "./command.ts";
import { dashed, type FlagDefinition, type FlagDefinitions } from "./parse-flags.ts";

/** The help of a whole program: all commands and the flags that work everywhere. */
export function programHelp(program: Command, version: string): string {
  return sections([
    ["NAME", `${program.name} - ${program.usage}`],
    ["USAGE", `${program.name} [global options] [command [command options]]`],
    ["VERSION", version],
    ["DESCRIPTION", program.description],
    ["COMMANDS", commandList([...(program.commands ?? []), HELP_COMMAND])],
    ["GLOBAL OPTIONS", flagList({ ...program.flags, ...PROGRAM_FLAGS })],
  ]);
}

/** The help of one command; `path` are the names that lead to it, the program's first. */
export function commandHelp(command: Command, path: readonly string[]): string {
  const commands = command.commands ?? [];
  const usual = `${path.join(" ")} [command [command options]] `;
  const standardFlags = path.length === 1 ? PROGRAM_FLAGS : HELP_FLAGS;
  return sections([
    ["NAME", `${path.join(" ")} - ${command.usage}`],
    ["USAGE", command.usageText ?? usual],
    ["DESCRIPTION", command.description],
    ...(commands.length === 0 ? [] : [titled("COMMANDS", commandList(commands))]),
    ["OPTIONS", flagList({ ...command.flags, ...standardFlags })],
  ]);
}

type Section = readonly [title: string, body: string];

function titled(title: string, body: string): Section {
  return [title, body];
}

const HELP_COMMAND: Command = {
  name: "help, h",
  usage: "Shows a list of commands or help for one command",
  description: "",
};

/** Understood by every command. */
export const HELP_FLAGS: FlagDefinitions = {
  help: { kind: "truth", short: "h", usage: "show help" },
};

/** Understood by the program itself. */
export const PROGRAM_FLAGS: FlagDefinitions = {
  ...HELP_FLAGS,
  version: { kind: "truth", short: "v", usage: "print the version" },
};

function sections(all: readonly Section[]): string {
  return all.map(([title, body]) => `${title}:\n${indent(body)}\n`).join("\n");
}

function indent(body: string): string {
  return body.replace(/^(?=.)/gm, "   ");
}

function commandList(commands: readonly Command[]): string {
  return columns(commands.map(({ name, usage }) => [name, usage]));
}

function flagList(flags: FlagDefinitions): string {
  return columns(
    Object.entries(flags).map(([name, flag]) => [flagNames(name, flag), flagUsage(flag)]),
  );
}

function flagNames(name: string, { kind, short }: FlagDefinition): string {
  const names = short === undefined ? [name] : [name, short];
  const suffix = SUFFIXES[kind];
  return names.map((each) => `${dashed(each)}${suffix}`).join(", ");
}

const SUFFIXES: Readonly<Record<FlagDefinition["kind"], string>> = {
  text: " string",
  texts: " string",
  number: " int",
  truth: "",
};

function flagUsage(flag: FlagDefinition): string {
  const isStandard = Object.values(PROGRAM_FLAGS).includes(flag);
  const { kind, usage, value } = flag;
  if (value !== undefined) {
    return `${usage} (default: ${kind === "number" ? value : JSON.stringify(value)})`;
  }
  return flag.kind === "truth" && !isStandard ? `${flag.usage} (default: false)` : flag.usage;
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`).join("\n");
}
