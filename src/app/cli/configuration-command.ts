import { ConfigError, ConfigSyntaxError } from "../config/config-error.ts";
import { findProblems } from "../config/find-problems.ts";
import { loadConfig } from "../config/load-config.ts";
import type { Problem } from "../config/problem.ts";
import type { Command, Invocation } from "./command.ts";

/** The configuration can be read but not used. */
const EXIT_INVALID = 2;

/** Longer documents are cut off rather than held in memory. */
const DOCUMENT_BYTES_MAX = 16 * 1024 * 1024;

/** `gitaly configuration`: what can be done with a configuration before a server runs on it. */
export const configurationCommand: Command = {
  name: "configuration",
  usage: "run configuration-related commands",
  description: "Commands that work on the server's configuration.",
  commands: [
    {
      name: "validate",
      usage: "validate Gitaly configuration",
      usageText: `gitaly configuration validate < <gitaly_config_file>

Example: gitaly configuration validate < gitaly.config.toml`,
      description: `Reads a configuration from stdin and tells everything that is wrong with it.

Problems are printed to stdout as JSON. Each has:

- key, the way to the setting; left out when the problem concerns the whole.
- message, what is wrong with it.`,
      run: validate,
    },
  ],
};

async function validate({ stdin, stdout, stderr, signal }: Invocation): Promise<number> {
  try {
    const config = await loadConfig(await readAll(stdin), signal);
    const problems = findProblems(config);
    if (problems.length === 0) return 0;
    stdout(problemsJson(problems));
    return EXIT_INVALID;
  } catch (error) {
    if (error instanceof ConfigSyntaxError) {
      const { line, column, message } = error;
      stdout(problemsJson([{ key: [], message: `line ${line} column ${column}: ${message}` }]));
      return EXIT_INVALID;
    }
    if (!(error instanceof ConfigError)) throw error;
    stderr(`processing input data: ${error.message}`);
    return 1;
  }
}

function problemsJson(problems: readonly Problem[]): string {
  const errors = problems.map(({ key, message }) =>
    key.length === 0 ? { message } : { key, message },
  );
  return `${escapeHtml(JSON.stringify({ errors }, null, 2))}\n`;
}

/** The reference server's JSON keeps these three out of strings, and out of line breaks two more. */
function escapeHtml(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

async function readAll(stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > DOCUMENT_BYTES_MAX) throw new ConfigError("configuration is too large");
  }
  return Buffer.concat(chunks).toString("utf8");
}
