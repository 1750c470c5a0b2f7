import { type ExecFileException, execFile } from "node:child_process";
import { isMissing } from "../../base/error/system-error-text.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import { ConfigError } from "./config-error.ts";

/** More than this of generated configuration is a mistake. */
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Runs the operator's `config_command` and returns what it printed.
 *
 * Throws ConfigError with the exit status and the standard error when it fails.
 */
export function runConfigCommand(command: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { encoding: "utf8", maxBuffer: OUTPUT_BYTES_MAX, signal } as const;
    execFile(command, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new ConfigError(`running config command: ${reason(command, error, stderr)}`));
    });
  });
}

function reason(command: string, error: ExecFileException, stderr: string): string {
  const { code, signal } = error;
  if (typeof code === "number") return `exit status ${code}, stderr: ${quoteText(stderr)}`;
  if (typeof signal === "string") return `signal: ${signal}, stderr: ${quoteText(stderr)}`;
  if (isMissing(error)) {
    if (command.includes("/")) return `fork/exec ${command}: no such file or directory`;
    return `exec: ${quoteText(command)}: executable file not found in $PATH`;
  }
  if (code === "EACCES") return `fork/exec ${command}: permission denied`;
  return error.message;
}
