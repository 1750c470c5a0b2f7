import assert from "node:assert/strict";
import test from "node:test";
import { type Command, CommandError, type Terminal } from "./command.ts";
import { runProgram } from "./run-program.ts";

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const PROGRAM: Command = {
  name: "tool",
  usage: "does things",
  description: "Does things.",
  run: async ({ args, stdout }) => {
    stdout(`root ${JSON.stringify(args)}`);
    return 0;
  },
  commands: [
    {
      name: "hooks",
      usage: "manage hooks",
      description: "Manages hooks.",
      commands: [
        {
          name: "set",
          usage: "set hooks",
          usageText: "tool hooks set\n\nExample: tool hooks set --repository x",
          description: "Sets hooks.\nOf a repository.",
          flags: {
            storage: { kind: "text", usage: "where it is" },
            repository: { kind: "text", usage: "which one", isRequired: true },
            config: { kind: "text", short: "c", usage: "the configuration", isRequired: true },
            all: { kind: "truth", usage: "all of them" },
          },
          run: async ({ args, flags, stdout }) => {
            const texts = ["storage", "repository", "config"].map((name) => flags.text(name));
            stdout(JSON.stringify({ texts, all: flags.truth("all"), args }));
            return 4;
          },
        },
      ],
    },
    {
      name: "fail",
      usage: "fails",
      description: "Fails.",
      run: async ({ args: [message = ""] }) => {
        throw message === "" ? new CommandError("", 7) : new Error(message);
      },
    },
  ],
};

async function run(...argv: readonly string[]): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  const terminal: Terminal = {
    stdin: emptyInput(),
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
    environment: {},
    signal: new AbortController().signal,
    now: () => new Date(2026, 4, 30, 18, 8, 3),
  };
  const exitCode = await runProgram(PROGRAM, "Tool, version 1.2.3", argv, terminal);
  return { exitCode, stdout, stderr };
}

async function* emptyInput(): AsyncGenerator<Uint8Array> {}

const PROGRAM_HELP = `NAME:
   tool - does things

USAGE:
   tool [global options] [command [command options]]

VERSION:
   Tool, version 1.2.3

DESCRIPTION:
   Does things.

COMMANDS:
   hooks    manage hooks
   fail     fails
   help, h  Shows a list of commands or help for one command

GLOBAL OPTIONS:
   --help, -h     show help
   --version, -v  print the version
`;

const SET_HELP = `NAME:
   tool hooks set - set hooks

USAGE:
   tool hooks set

   Example: tool hooks set --repository x

DESCRIPTION:
   Sets hooks.
   Of a repository.

OPTIONS:
   --storage string            where it is
   --repository string         which one
   --config string, -c string  the configuration
   --all                       all of them (default: false)
   --help, -h                  show help
`;

const HOOKS_HELP = `NAME:
   tool hooks - manage hooks

USAGE:
   tool hooks [command [command options]] 

DESCRIPTION:
   Manages hooks.

COMMANDS:
   set  set hooks

OPTIONS:
   --help, -h  show help
`;

const LINES: readonly (readonly [
  line: string,
  exitCode: number,
  stdout: string,
  stderr: string,
])[] = [
  ["--version", 0, "Tool, version 1.2.3\n", ""],
  ["-v", 0, "Tool, version 1.2.3\n", ""],
  ["-version", 0, "Tool, version 1.2.3\n", ""],
  ["x -v", 0, "Tool, version 1.2.3\n", ""],
  ["--version=false", 0, "root []", ""],
  ["", 0, "root []", ""],
  ["a b", 0, 'root ["a","b"]', ""],
  ["-- --a hooks", 0, 'root ["--a","hooks"]', ""],
  ["-", 0, 'root ["-"]', ""],
  ["help", 0, PROGRAM_HELP, ""],
  ["h", 0, PROGRAM_HELP, ""],
  ["-h", 0, PROGRAM_HELP, ""],
  ["--help", 0, PROGRAM_HELP, ""],
  ["help hooks", 0, HOOKS_HELP, ""],
  ["--help hooks", 0, HOOKS_HELP, ""],
  ["hooks", 0, HOOKS_HELP, ""],
  ["hooks help set", 0, SET_HELP, ""],
  ["hooks set -h", 0, SET_HELP, ""],
  ["hooks set help", 0, SET_HELP, ""],
  ["help nope", 3, "", "No help topic for 'nope'\n"],
  ["hooks nope", 3, "", "No help topic for 'nope'\n"],
  ["hooks set --repository=a -c b x", 4, '{"texts":["","a","b"],"all":false,"args":["x"]}', ""],
  [
    "hooks set -repository -x -c=b --all y --storage s",
    4,
    '{"texts":["s","-x","b"],"all":true,"args":["y"]}',
    "",
  ],
  ["hooks set", 1, SET_HELP, '2026/05/30 18:08:03 Required flags "repository, config" not set\n'],
  [
    "hooks set --repository= -c x",
    1,
    SET_HELP,
    '2026/05/30 18:08:03 Required flag "repository" not set\n',
  ],
  [
    "hooks set --storage",
    1,
    "",
    "Incorrect Usage: flag needs an argument: --storage\n\n2026/05/30 18:08:03 flag needs an argument: --storage\n",
  ],
  [
    "hooks set --all=maybe",
    1,
    "",
    'Incorrect Usage: invalid value "maybe" for flag -all: parse error\n\n2026/05/30 18:08:03 invalid value "maybe" for flag -all: parse error\n',
  ],
  [
    "--bogus",
    1,
    PROGRAM_HELP,
    "Incorrect Usage: flag provided but not defined: -bogus\n\n2026/05/30 18:08:03 flag provided but not defined: -bogus\n",
  ],
  ["fail", 7, "", ""],
  ["fail badly", 1, "", "2026/05/30 18:08:03 badly\n"],
];

for (const [line, exitCode, stdout, stderr] of LINES) {
  test(`tool ${line}`, async () => {
    const argv = line === "" ? [] : line.split(" ");
    assert.deepEqual(await run(...argv), { exitCode, stdout, stderr });
  });
}
