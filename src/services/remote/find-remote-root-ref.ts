import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { FindRemoteRootRefRequest, RemoteService } from "../../proto/remote_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, invalidArgument, notFound, RpcError } from "../../rpc/rpc-error.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { configEnvironment, remoteSettings } from "../common/remote-settings.ts";

interface Needs {
  readonly locator: RepositoryLocator;
  readonly git: GitRunner;
}

type FindRemoteRootRef = Handler<typeof RemoteService.method.findRemoteRootRef>;

/** Names the branch that HEAD of a repository elsewhere stands for. */
export function findRemoteRootRef({ locator, git }: Needs): FindRemoteRootRef {
  return async (request, call) => {
    if (request.remoteUrl === "") throw invalidArgument("missing remote URL");
    const repository = locateRepository(locator, request.repository);
    const env = remoteEnvironment(request);
    const command = { name: "remote", verb: "show", args: ["inmemory"], env } as const;
    let report: string;
    try {
      const options = { ...gitCall(call), hooks: "disabled" } as const;
      const { stdout } = await git.run(repository, command, options);
      report = stdout.toString();
    } catch (error) {
      throw error instanceof GitExitError ? internal(error.message, { cause: error }) : error;
    }
    return { ref: rootRef(report) };
  };
}

function remoteEnvironment(request: FindRemoteRootRefRequest): Record<string, string> {
  try {
    return configEnvironment(remoteSettings("inmemory", { ...request, url: request.remoteUrl }));
  } catch (error) {
    throw error instanceof RpcError ? invalidArgument(error.message, { cause: error }) : error;
  }
}

function rootRef(report: string): string {
  const [, ref] = /^[ \t]*HEAD branch: (.*?)[ \t\r]*$/m.exec(report) ?? [];
  if (ref === undefined) throw notFound("couldn't query the remote HEAD");
  if (ref === "(unknown)") throw notFound("no remote HEAD found");
  return ref;
}
