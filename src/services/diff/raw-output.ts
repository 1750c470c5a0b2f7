import type { GitExitError } from "../../gitcmd/git-runner.ts";
import { wrapError } from "../../rpc/rpc-error.ts";

/** Words the failure of a git whose output is passed on as it is. */
export function rawOutputFailed(error: GitExitError): Error {
  return wrapError("internal", "cmd", error);
}
