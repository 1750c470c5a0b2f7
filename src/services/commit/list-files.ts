import { type ListedEntry, listTree } from "../../git/object/list-tree.ts";
import type { ObjectDatabase } from "../../git/object/object-database.ts";
import { peelToTree } from "../../git/object/peel.ts";
import { objectTypeOfMode } from "../../git/object/tree-object.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { parseRevision } from "../../git/revision/revision.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { CommitService } from "../../proto/commit_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition, notFound, RpcError } from "../../rpc/rpc-error.ts";
import { defaultBranch } from "../common/default-branch.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { isDamage } from "../common/git-failure.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { messageFieldSize } from "../common/message-size.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { quietly } from "../common/read-commit.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import { verifyRevision } from "../common/verify-revision.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type ListFiles = Handler<typeof CommitService.method.listFiles>;

/**
 * Lists the paths of all files of a revision; of the default branch when the request names none.
 *
 * The only reply is empty when there is no such revision; there is none at all when it isn't about
 * files.
 */
export function listFiles(needs: Needs): ListFiles {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const revision = parseRevision(request.revision, { empty: true });
    const repository = openLocated(needs, located, call);
    const name = revision === "" ? findDefaultBranch(repository) : revision;
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    const oid = await verifyRevision(repository, name, ask);
    if (oid === undefined) {
      yield {};
      return;
    }
    const tree = quietly(() => peelToTree(repository.objects, oid));
    if (tree === undefined) return;
    for await (const paths of pathChunks(repository.objects, tree, call.signal)) yield { paths };
  };
}

function findDefaultBranch({ refs }: OpenedRepository): string {
  let branch: string;
  try {
    branch = defaultBranch(refs);
  } catch (error) {
    if (error instanceof RpcError) throw notFound('revision not found ""', { cause: error });
    throw error;
  }
  if (branch === "") throw failedPrecondition("repository does not have a default branch");
  return branch;
}

async function* pathChunks(
  objects: ObjectDatabase,
  tree: Oid,
  signal: AbortSignal,
): AsyncGenerator<Buffer[], void, undefined> {
  const chunk = new ReplyChunk<Buffer>(({ length }) => messageFieldSize(length));
  for await (const batch of readableBatches(objects, tree, signal)) {
    for (const { mode, path } of batch) {
      const paths = objectTypeOfMode(mode) === "blob" ? chunk.add(path) : undefined;
      if (paths !== undefined) yield paths;
    }
  }
  const paths = chunk.rest();
  if (paths !== undefined) yield paths;
}

/** As far as a damaged tree can be read, it is shown. */
async function* readableBatches(
  objects: ObjectDatabase,
  tree: Oid,
  signal: AbortSignal,
): AsyncGenerator<readonly ListedEntry[], void, undefined> {
  try {
    yield* listTree(objects, tree, { recursive: true, signal });
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
}
