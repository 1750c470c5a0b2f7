import { quoteBytes } from "../../base/text/quote-bytes.ts";
import {
  CorruptObjectError,
  ObjectNotFoundError,
  UnexpectedObjectTypeError,
} from "../../git/object/object-error.ts";
import { peelToCommit } from "../../git/object/peel.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromBytes, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { CorruptRefStoreError, UnreadableRefStoreError } from "../../git/ref/ref-store-error.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { refuseNul } from "../common/git-failure.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { findObject } from "../common/resolve-revision.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type FindMergeBase = Handler<typeof RepositoryService.method.findMergeBase>;

/**
 * Finds the best common ancestor of the first revision and the merge of all others. It is empty
 * when there is none, or a revision leads to no commit.
 */
export function findMergeBase(needs: Needs): FindMergeBase {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    const revisions = request.revisions.map(binaryFromBytes);
    if (revisions.length < 2) throw invalidArgument("at least 2 revisions are required");
    refuseNonArguments(revisions);
    const repository = openLocated(needs, located, call);
    try {
      const commits: Oid[] = [];
      for (const revision of revisions) {
        const commit = await findCommit(repository, revision, needs.git, call);
        if (commit === undefined) return { base: "" };
        commits.push(commit);
      }
      return { base: (await repository.history.mergeBase(commits, call.signal)) ?? "" };
    } catch (error) {
      if (isDamage(error)) return { base: "" };
      throw error;
    }
  };
}

/** Refuses what can't be told from an option of a command, as clients know it. */
function refuseNonArguments(revisions: readonly string[]): void {
  const option = revisions.find((revision) => revision.startsWith("-"));
  if (option !== undefined) {
    const quoted = quoteBytes(bytesFromBinary(option));
    const problem = "cannot start with dash '-': invalid argument";
    throw internal(`cmd: positional arg ${quoted} ${problem}`);
  }
  try {
    for (const revision of revisions) refuseNul(revision);
  } catch (error) {
    throw wrapError("internal", "cmd", error);
  }
}

async function findCommit(
  repository: OpenedRepository,
  revision: string,
  git: GitRunner,
  call: Call,
): Promise<Oid | undefined> {
  const needs = { git, gitCall: lazyGitCall(call) };
  const oid = await findObject(repository, revision, needs);
  return oid && peelToCommit(repository.objects, oid);
}

/** Whether git gives up on this. */
function isDamage(error: unknown): boolean {
  return (
    error instanceof ObjectNotFoundError ||
    error instanceof CorruptObjectError ||
    error instanceof UnexpectedObjectTypeError ||
    error instanceof CorruptRefStoreError ||
    error instanceof UnreadableRefStoreError
  );
}
