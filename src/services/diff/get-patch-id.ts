import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { DiffService, GetPatchIDRequest } from "../../proto/diff_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition, invalidArgument, RpcError } from "../../rpc/rpc-error.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { type GitCall, gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { startFailure } from "../common/start-failure.ts";

type Needs = { readonly locator: RepositoryLocator; readonly git: GitRunner };
type GetPatchId = Handler<typeof DiffService.method.getPatchID>;

/** Sums up the difference between two revisions, so that equal changes can be told. */
export function getPatchId({ locator, git }: Needs): GetPatchId {
  return async (request, call) => {
    const located = locateRepository(locator, request.repository);
    if (request.oldRevision.length === 0) throw invalidArgument("empty OldRevision");
    if (request.newRevision.length === 0) throw invalidArgument("empty NewRevision");
    const options = gitCall(call);
    const difference = compare(git, located, request, options);
    const first = await difference.next();
    if (first.done === true) throw noDifference();
    const line = await sumUp(git, joined(first.value, difference), options);
    if (line === "") throw noDifference();
    // What follows is the id of a commit, where there was one in the difference.
    const end = line.indexOf(" ");
    if (end < 0) throw failedPrecondition("unexpected patch ID format");
    return { patchId: line.slice(0, end) };
  };
}

async function* compare(
  git: GitRunner,
  located: LocatedRepository,
  { oldRevision, newRevision, contextFree }: GetPatchIDRequest,
  options: GitCall,
): AsyncGenerator<Buffer, void, undefined> {
  const command = {
    name: "diff",
    // Of binary files only their ids are summed up, so these must not be cut short.
    flags: ["--full-index", ...(contextFree ? ["-U0"] : [])],
    args: [oldRevision, newRevision],
  } as const;
  try {
    yield* git.stream(located, command, options);
  } catch (error) {
    if (error instanceof GitExitError) throw waitFailure("git-diff", error);
    throw startFailure("unknown", "spawning diff", error);
  }
}

async function* joined(
  first: Buffer,
  rest: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  yield first;
  yield* rest;
}

async function sumUp(
  git: GitRunner,
  stdin: AsyncIterable<Buffer>,
  options: GitCall,
): Promise<string> {
  const command = { name: "patch-id", flags: ["--verbatim"] } as const;
  try {
    const { stdout } = await git.run(undefined, command, { ...options, stdin });
    return stdout.toString("latin1");
  } catch (error) {
    if (error instanceof GitExitError) throw waitFailure("patch-id", error);
    throw startFailure("unknown", "spawning patch-id", error);
  }
}

function waitFailure(process: string, cause: GitExitError): RpcError {
  const { message, metadata } = cause;
  return new RpcError("unknown", `waiting for ${process}: ${message}`, { cause, metadata });
}

function noDifference(): RpcError {
  return failedPrecondition("no difference between old and new revision");
}
