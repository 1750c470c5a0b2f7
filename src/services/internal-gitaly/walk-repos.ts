import type { InternalGitaly } from "../../proto/internal_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { walkRepositories } from "../../storage/walk/walk-repositories.ts";

type Needs = { readonly locator: RepositoryLocator };
type WalkRepos = Handler<typeof InternalGitaly.method.walkRepos>;

/** In a second. */
const NANOSECONDS = 1_000_000_000n;

/** Streams all repositories of a storage with the times when their folders last changed. */
export function walkRepos({ locator }: Needs): WalkRepos {
  return async function* ({ storageName }, { signal }) {
    checkStorage(locator, storageName);
    for await (const repository of walkRepositories(locator, storageName, signal)) {
      const { relativePath, modifiedNs } = repository;
      const nanos = ((modifiedNs % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
      const seconds = (modifiedNs - nanos) / NANOSECONDS;
      const modificationTime = { seconds, nanos: Number(nanos) };
      yield { relativePath, modificationTime };
    }
  };
}

function checkStorage(locator: RepositoryLocator, storageName: string): void {
  try {
    locator.storagePath(storageName);
  } catch (error) {
    throw wrapError("not-found", "looking up storage", error);
  }
}
