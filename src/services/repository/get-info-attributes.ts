import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { streamContent } from "../common/content-chunks.ts";
import { gitCall, lazyGitCall } from "../common/git-call.ts";
import {
  type OpenedRepository,
  openRepository,
  type ReadNeeds,
} from "../common/open-repository.ts";
import { findObject } from "../common/resolve-revision.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type GetInfoAttributes = Handler<typeof RepositoryService.method.getInfoAttributes>;

const REVISION = "HEAD:.gitattributes";

/** Streams the attributes that the default branch has; one empty reply when there are none. */
export function getInfoAttributes(needs: Needs): GetInfoAttributes {
  return async function* (request, call) {
    const repository = openRepository(needs, request.repository, call);
    let isEmpty = true;
    try {
      for await (const attributes of readAttributes(repository, needs.git, call)) {
        isEmpty = false;
        yield { attributes };
      }
    } catch (error) {
      if (!(error instanceof GitExitError)) {
        throw wrapError("internal", `read ${REVISION}`, error);
      }
    }
    if (isEmpty) yield {};
  };
}

async function* readAttributes(
  repository: OpenedRepository,
  git: GitRunner,
  call: Call,
): AsyncGenerator<Buffer, void, undefined> {
  const { objects, located } = repository;
  const oid = await findObject(repository, REVISION, { git, gitCall: lazyGitCall(call) });
  const header = oid && objects.header(oid);
  if (oid === undefined || header === undefined) return;
  if (header.type === "blob") {
    yield* streamContent(objects, oid, header.size, call.signal);
    return;
  }
  // Of a folder with this name, clients get what git prints.
  const command = { name: "cat-file", flags: ["-p"], args: [oid] } as const;
  yield* git.stream(located, command, gitCall(call));
}
