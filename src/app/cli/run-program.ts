import { type Command, CommandError, type Terminal } from "./command.ts";
import { commandHelp, HELP_FLAGS, PROGRAM_FLAGS, programHelp } from "./help-text.ts";
import { type ParsedFlags, parseFlags, UsageError } from "./parse-flags.ts";

/** No command or help topic has this name. */
const EXIT_UNKNOWN_TOPIC = 3;

/**
 * Runs a command line and returns the exit code; never throws for what a command threw.
 *
 * `version` is the whole line that `--version` prints. `argv` starts after the program's name.
 */
export async function runProgram(
  program: Command,
  version: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  try {
    return await new Program(program, version, terminal).run(argv);
  } catch (error) {
    if (error instanceof CommandError) {
      if (error.message !== "") terminal.stderr(`${error.message}\n`);
      return error.exitCode;
    }
    terminal.stderr(`${timestamp(terminal.now())} ${messageOf(error)}\n`);
    return 1;
  }
}

class Program {
  readonly #root: Command;
  readonly #version: string;
  readonly #terminal: Terminal;

  constructor(root: Command, version: string, terminal: Terminal) {
    this.#root = root;
    this.#version = version;
    this.#terminal = terminal;
  }

  run(argv: readonly string[]): Promise<number> {
    return this.#run([this.#root], argv);
  }

  async #run(path: readonly Command[], argv: readonly string[]): Promise<number> {
    const command = path.at(-1) ?? this.#root;
    const { flags, args } = this.#parse(path, argv);
    if (flags.truth("version")) {
      this.#terminal.stdout(`${this.#version}\n`);
      return 0;
    }
    const [first = "", ...rest] = args;
    const next = command.commands?.find(({ name }) => name === first);
    const wantsHelp = flags.truth("help");
    if (next !== undefined) return this.#run([...path, next], wantsHelp ? ["-h", ...rest] : rest);
    if (wantsHelp) return this.#help(path);
    if (first === "help" || first === "h") return this.#helpTopic(path, rest);
    if (command.run === undefined) return first === "" ? this.#help(path) : unknownTopic(first);
    this.#requireFlags(path, flags);
    const showHelp = (): void => this.#showCommandHelp(path);
    return command.run({ ...this.#terminal, flags, args, showHelp });
  }

  #parse(path: readonly Command[], argv: readonly string[]): ParsedFlags {
    const command = path.at(-1) ?? this.#root;
    const standard = path.length === 1 ? PROGRAM_FLAGS : HELP_FLAGS;
    const names = new Set(command.commands?.map(({ name }) => name));
    const stopAt = (arg: string): boolean => names.has(arg) || arg === "help" || arg === "h";
    try {
      return parseFlags(argv, { ...command.flags, ...standard }, stopAt);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      this.#terminal.stderr(`Incorrect Usage: ${error.message}\n\n`);
      if (path.length === 1) this.#help(path);
      throw error;
    }
  }

  #requireFlags(path: readonly Command[], flags: ParsedFlags["flags"]): void {
    const required = Object.entries(path.at(-1)?.flags ?? {}).filter(([, flag]) => flag.isRequired);
    const missing = required.map(([name]) => name).filter((name) => flags.text(name) === "");
    if (missing.length === 0) return;
    this.#showCommandHelp(path);
    const noun = missing.length === 1 ? "flag" : "flags";
    throw new UsageError(`Required ${noun} "${missing.join(", ")}" not set`);
  }

  #helpTopic(path: readonly Command[], [topic]: readonly string[]): number {
    if (topic === undefined) return this.#help(path);
    const command = path.at(-1)?.commands?.find(({ name }) => name === topic);
    return command === undefined ? unknownTopic(topic) : this.#help([...path, command]);
  }

  #help(path: readonly Command[]): number {
    if (path.length === 1) this.#terminal.stdout(programHelp(this.#root, this.#version));
    else this.#showCommandHelp(path);
    return 0;
  }

  #showCommandHelp(path: readonly Command[]): void {
    const names = path.map(({ name }) => name);
    this.#terminal.stdout(commandHelp(path.at(-1) ?? this.#root, names));
  }
}

function unknownTopic(topic: string): never {
  throw new CommandError(`No help topic for '${topic}'`, EXIT_UNKNOWN_TOPIC);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function timestamp(now: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${now.getFullYear()}/${two(now.getMonth() + 1)}/${two(now.getDate())}`;
  return `${day} ${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
}
