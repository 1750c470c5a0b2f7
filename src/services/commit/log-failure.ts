import { GitCommandError, GitExitError } from "../../gitcmd/git-runner.ts";
import { FindCommitsErrorSchema } from "../../proto/commit_pb.ts";
import { detail, internal, notFound, type RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { isDamage } from "../common/git-failure.ts";

/** What git says when there is no such revision. */
const NOT_FOUND = [
  /fatal: ambiguous argument '.*': unknown revision or path not in the working tree\./,
  /fatal: bad object [0-9a-g]+/,
  /^fatal: bad revision '.*'\n$/,
  /fatal: Invalid revision range [0-9a-g]+\.\.[0-9a-g]+/,
];

/** The error that clients of FindCommits get when the commits can't be listed. */
export function logFailure(error: unknown): Error {
  if (error instanceof GitExitError) {
    if (NOT_FOUND.some((pattern) => pattern.test(error.stderr))) return commitsNotFound(error);
    return internal("listing commits failed", {
      cause: error,
      metadata: { stderr: error.stderr },
    });
  }
  if (error instanceof GitCommandError) {
    return wrapError("internal", "error when creating git log command", error);
  }
  if (isDamage(error)) return internal("listing commits failed", { cause: error });
  return error instanceof Error ? error : internal("listing commits failed", { cause: error });
}

/** A revision to start from doesn't exist. */
export function commitsNotFound(cause?: unknown): RpcError {
  return notFound("commits not found", { cause, detail: detail(FindCommitsErrorSchema, {}) });
}
