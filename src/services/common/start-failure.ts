import type { ErrorKind } from "../../base/error/domain-error.ts";
import { GitCommandError, GitSpawnError } from "../../gitcmd/git-runner.ts";
import { RpcError } from "../../rpc/rpc-error.ts";

/** Says that git could not be started, be it for a setting of the request. Other errors stay. */
export function startFailure(kind: ErrorKind, doing: string, error: unknown): unknown {
  if (!(error instanceof GitCommandError || error instanceof GitSpawnError)) return error;
  return new RpcError(kind, `${doing}: ${error.message}`, { cause: error });
}
