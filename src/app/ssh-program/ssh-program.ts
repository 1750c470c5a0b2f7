import { createLogger } from "../../base/log/create-logger.ts";
import type { Logger } from "../../base/log/logger.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import { dial } from "../../rpc/client/channel.ts";
import { callFailureText } from "../call-failure-text.ts";
import { COMMANDS, type ServeCommand } from "./serve-command.ts";
import type { SshProcess } from "./ssh-process.ts";
import { readSshSettings } from "./ssh-settings.ts";

/** The command, and the host and command line that git gives to whatever it takes for ssh. */
const ARGUMENTS_MIN = 3;

/**
 * `gitaly-ssh COMMAND`, for `GIT_SSH_COMMAND`: lets git talk to a repository on a Gitaly server.
 *
 * Which repository that is, and where, the environment tells; see `SshSettings`. Returns the exit
 * status and never throws; why it has failed is written to stderr as a line of a log.
 */
export async function runSshProgram(process: SshProcess): Promise<number> {
  const destination = {
    write: (line: string) => process.stderr.write(line),
    close: async () => {},
  };
  const logger = createLogger({ format: "text", level: "info", destination });
  const [name = ""] = process.args;
  const serve = findCommand(process.args, logger);
  if (serve === undefined) return 1;
  try {
    return await run(serve, process);
  } catch (error) {
    logger.info("command returned error", { "command.name": name, error: callFailureText(error) });
    return 1;
  }
}

function findCommand(args: readonly string[], logger: Logger): ServeCommand | undefined {
  if (args.length < ARGUMENTS_MIN) {
    logger.error(`invalid number of arguments, expected at least 1, got ${args.length}`);
    return undefined;
  }
  const [name = ""] = args;
  const serve = COMMANDS.get(name);
  if (serve === undefined) logger.error(`invalid pack command: ${quoteText(name)}`);
  return serve;
}

async function run(serve: ServeCommand, process: SshProcess): Promise<number> {
  const { address, token, payload, metadata } = readSshSettings(process.environment);
  const { signal } = new AbortController();
  const dialOptions = { sidechannel: true, ...(token !== "" && { token }) };
  await using channel = dial(address, dialOptions);
  return await serve(channel, payload, process, { signal, metadata });
}
