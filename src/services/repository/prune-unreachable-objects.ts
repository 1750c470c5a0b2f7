import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { readRepositoryState } from "../../storage/housekeeping/read-repository-state.ts";
import {
  pruneObjects,
  repackObjects,
  writeCommitGraph,
} from "../../storage/housekeeping/run-optimization.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";

interface Needs {
  readonly locator: RepositoryLocator;
  readonly git: GitRunner;
}

type PruneUnreachableObjects = Handler<typeof RepositoryService.method.pruneUnreachableObjects>;

/** Objects this young may belong to a change whose references aren't written yet. */
const GRACE_MS = 30 * 60 * 1000;

/** Removes the objects that no reference leads to, but for the youngest. */
export function pruneUnreachableObjects({ locator, git }: Needs): PruneUnreachableObjects {
  return async (request, call) => {
    const located = locateRepository(locator, request.repository);
    const nowMs = Date.now();
    const state = await step("unknown", "deriving repository info", () =>
      readRepositoryState(located, call.signal, nowMs),
    );
    // Its members may need what nobody in the pool does.
    if (state.isObjectPool) throw invalidArgument("pruning objects for object pool");
    const options = gitCall(call);
    const expireBeforeMs = nowMs - GRACE_MS;
    await step("internal", "pruning objects", () =>
      pruneObjects(git, located, expireBeforeMs, options),
    );
    const writeBitmap = (state.alternates?.objectDirectories.length ?? 0) === 0;
    const plan = { strategy: "full_with_cruft", writeBitmap, writeMultiPackIndex: true } as const;
    await step("internal", "repacking objects", () =>
      repackObjects(git, located, { ...plan, expireBeforeMs }, options),
    );
    // It may tell of commits that are gone.
    await step("internal", "rewriting commit-graph", () =>
      writeCommitGraph(git, located, "replace", options),
    );
    return {};
  };
}

async function step<Result>(
  kind: "unknown" | "internal",
  doing: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw wrapError(kind, doing, error);
  }
}
