import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { parseRevision } from "../../git/revision/revision.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { ObjectsSizeRequest, RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, notFound, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { takeFirst } from "../common/first-request.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";

type Needs = { readonly locator: RepositoryLocator; readonly git: GitRunner };
type ObjectsSize = Handler<typeof RepositoryService.method.objectsSize>;

/** Sums up the bytes on disk of the objects that revisions reach. */
export function objectsSize({ locator, git }: Needs): ObjectsSize {
  return async (requests, call) => {
    const { first, rest } = await takeFirst(requests).catch((error: unknown) => {
      throw wrapError("internal", "receiving initial request", error);
    });
    const located = locateRepository(locator, first.repository);
    const command = { name: "rev-list", flags: ["--disk-usage", "--objects", "--stdin"] } as const;
    const stdin = revisionLines(revisionsOf(first), rest);
    try {
      const { stdout } = await git.run(located, command, { ...gitCall(call), stdin });
      return { size: BigInt(stdout.toString("latin1").trim()) };
    } catch (error) {
      throw error instanceof GitExitError ? exitFailure(error) : error;
    }
  };
}

/** The lines that git reads: revisions of the first request, then those of the others. */
async function* revisionLines(
  first: Buffer,
  rest: AsyncIterable<ObjectsSizeRequest>,
): AsyncGenerator<Buffer, void, undefined> {
  yield first;
  for await (const request of rest) {
    if (request.repository !== undefined) {
      throw invalidArgument("subsequent requests must not contain repository");
    }
    yield revisionsOf(request);
  }
}

function revisionsOf({ revisions }: ObjectsSizeRequest): Buffer {
  if (revisions.length === 0) throw invalidArgument("no revisions specified");
  const lines = revisions.map((bytes) => {
    try {
      return `${parseRevision(bytes, { pseudo: true })}\n`;
    } catch (error) {
      throw wrapError("invalid-argument", "validating revision", error);
    }
  });
  return bytesFromBinary(lines.join(""));
}

function exitFailure(error: GitExitError): RpcError {
  const revision = /^fatal: bad revision '([^']*)'/.exec(error.stderr)?.[1];
  if (revision !== undefined) {
    return notFound("revision not found", { cause: error, metadata: { revision } });
  }
  const message = `rev-list failed with error code ${error.exitCode}`;
  return new RpcError("unknown", message, { cause: error });
}
