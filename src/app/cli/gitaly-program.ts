import { bundleUriCommand } from "./bundle-uri-command.ts";
import { type CheckInternalApi, checkCommand } from "./check-command.ts";
import type { Command } from "./command.ts";
import { configurationCommand } from "./configuration-command.ts";
import { poolCommand } from "./pool-command.ts";
import { runServer, type ServeNeeds, serveCommand } from "./serve-command.ts";

export interface GitalyProgramNeeds extends ServeNeeds {
  readonly checkInternalApi: CheckInternalApi;
}

/** The `gitaly` executable. Without a command it serves, as it did before it had commands. */
export function gitalyProgram(needs: GitalyProgramNeeds): Command {
  return {
    name: "gitaly",
    usage: "a Git RPC service",
    description: "Serves git repositories over gRPC.",
    run: (invocation) => runServer(invocation, needs),
    commands: [
      serveCommand(needs),
      checkCommand(needs.checkInternalApi),
      configurationCommand,
      bundleUriCommand,
      poolCommand,
    ],
  };
}
