import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { RemoteService } from "../../proto/remote_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument } from "../../rpc/rpc-error.ts";
import { gitCall } from "../common/git-call.ts";
import { startFailure } from "../common/start-failure.ts";

type Needs = { readonly git: GitRunner };
type FindRemoteRepository = Handler<typeof RemoteService.method.findRemoteRepository>;

/** The one line that git prints of a repository with a HEAD: its object id, of either format. */
const HEAD_LINE = /^(?:[^\t]{40}|[^\t]{64})\tHEAD\n$/;

/** Tells whether there is a repository at a URL; one without commits doesn't count. */
export function findRemoteRepository({ git }: Needs): FindRemoteRepository {
  return async ({ remote }, call) => {
    if (remote === "") throw invalidArgument("empty remote can't be checked.");
    const command = { name: "ls-remote", args: [remote, "HEAD"] } as const;
    try {
      const { stdout } = await git.run(undefined, command, gitCall(call));
      return { exists: HEAD_LINE.test(stdout.toString("latin1")) };
    } catch (error) {
      if (error instanceof GitExitError) return { exists: false };
      throw startFailure("internal", "error executing git command", error);
    }
  };
}
