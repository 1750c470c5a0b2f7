import { quoteBytes } from "../../base/text/quote-bytes.ts";
import type { ObjectPoolService } from "../../proto/objectpool_pb.ts";
import type { Repository } from "../../proto/shared_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { isObjectPoolPath } from "../../storage/locator/object-pool-path.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { detectObjectFormat } from "../../storage/repository/detect-object-format.ts";
import { removeOrigin } from "../../storage/repository/remove-origin.ts";
import { type CreateNeeds, createRepository } from "../common/create-repository.ts";
import { type GitCall, gitCall } from "../common/git-call.ts";
import { runClone } from "../common/run-clone.ts";
import { startFailure } from "../common/start-failure.ts";

type CreateObjectPool = Handler<typeof ObjectPoolService.method.createObjectPool>;

/**
 * Makes an object pool with the objects and references of a repository, which doesn't join it.
 *
 * The pool appears as a whole; on failure nothing is left.
 */
export function createObjectPool(needs: CreateNeeds): CreateObjectPool {
  return async ({ origin, objectPool }, call) => {
    if (origin === undefined) throw invalidArgument("no origin repository");
    const pool = objectPool?.repository;
    if (pool === undefined) throw invalidArgument("no object pool repository");
    if (!isObjectPoolPath(pool.relativePath))
      throw invalidArgument("invalid object pool directory");
    const options = gitCall(call);
    const seed = (temporary: LocatedRepository): Promise<void> =>
      clone(needs, origin, temporary, options);
    try {
      const target = place(needs.locator, pool);
      await createRepository(needs, target, { initFlags: undefined, seed, options }, call);
    } catch (error) {
      throw wrapError("internal", "creating object pool", error);
    }
    return {};
  };
}

function place(locator: RepositoryLocator, pool: Repository): LocatedRepository {
  try {
    return locator.place(pool);
  } catch (error) {
    throw wrapError("invalid-argument", "locate repository", error);
  }
}

function locateSource(locator: RepositoryLocator, origin: Repository): LocatedRepository {
  try {
    return locator.locate(origin);
  } catch (error) {
    throw wrapError("unknown", "getting source repository path", error);
  }
}

async function clone(
  { git, locator }: CreateNeeds,
  origin: Repository,
  temporary: LocatedRepository,
  options: GitCall,
): Promise<void> {
  const source = locateSource(locator, origin);
  // An empty repository doesn't tell git which object format its clone needs.
  const env = { GIT_DEFAULT_HASH: sourceFormat(source) };
  const how = { url: source.path, flags: ["--bare", "--local"], env };
  const { failure, stderrBytes } = await runClone(git, temporary, how, options).catch(
    (error: unknown) => {
      throw startFailure("internal", "spawning clone", error);
    },
  );
  if (failure !== undefined) {
    const said = `stderr: ${quoteBytes(stderrBytes)}`;
    throw internal(`cloning to pool: ${failure.message}, ${said}`, { cause: failure });
  }
  await removeOrigin(temporary.path);
}

function sourceFormat(source: LocatedRepository): string {
  try {
    return detectObjectFormat(source.path);
  } catch (error) {
    throw wrapError("unknown", "detecting source repo object hash", error);
  }
}
