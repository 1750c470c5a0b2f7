import { quoteText } from "../../base/text/quote-text.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { configErrorText, loadConfigFile } from "../config/load-config.ts";
import { type Command, CommandError, type Invocation } from "./command.ts";

/** What GitLab's internal API says of itself. */
export interface InternalApiInfo {
  readonly version: string;
  readonly revision: string;
  readonly apiVersion: string;
  readonly isRedisReachable: boolean;
}

/**
 * Asks the internal API of the configured GitLab how it is.
 *
 * Rejects with an error whose message tells the operator why it can't be reached.
 */
export type CheckInternalApi = (config: Config, signal: AbortSignal) => Promise<InternalApiInfo>;

/** `gitaly check`: whether the server will be able to ask GitLab for access. */
export function checkCommand(checkInternalApi: CheckInternalApi): Command {
  return {
    name: "check",
    usage: "verify internal API is accessible",
    usageText: `gitaly check <gitaly_config_file>

Example: gitaly check gitaly.config.toml`,
    description: "Asks GitLab's internal API how it is.",
    run: (invocation) => check(invocation, checkInternalApi),
  };
}

async function check(invocation: Invocation, checkInternalApi: CheckInternalApi): Promise<number> {
  const { args, stdout, signal, showHelp } = invocation;
  const [path = ""] = args;
  if (args.length !== 1 || path === "") {
    showHelp();
    throw new CommandError("error: invalid argument(s)", 2);
  }
  const config = await loadConfigFile(path, signal).catch((error: unknown) => {
    if (!(error instanceof ConfigError)) throw error;
    throw new Error(`loading configuration ${quoteText(path)}: ${configErrorText(error)}`);
  });
  stdout("Checking GitLab API access: ");
  try {
    stdout(report(await checkInternalApi(config, signal)));
  } catch (error) {
    stdout("FAILED\n");
    throw error;
  }
  return 0;
}

function report({ version, revision, apiVersion, isRedisReachable }: InternalApiInfo): string {
  return `OK
GitLab version: ${version}
GitLab revision: ${revision}
GitLab Api version: ${apiVersion}
Redis reachable for GitLab: ${isRedisReachable}
OK
`;
}
