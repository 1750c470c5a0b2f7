import { readdir, rm } from "node:fs/promises";
import { join, normalize, relative } from "node:path";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import type { ObjectPoolService } from "../../proto/objectpool_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, wrapError } from "../../rpc/rpc-error.ts";
import { LockedError } from "../../storage/file/lock-file.ts";
import { replaceFile } from "../../storage/file/replace-file.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { readAlternatesInfo } from "../../storage/repository-info/alternates-info.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { TransactionVotes } from "../common/transaction-votes.ts";
import { findPool } from "./find-pool.ts";
import { type PoolVote, poolVote } from "./pool-votes.ts";

interface Needs {
  readonly locator: RepositoryLocator;
  readonly votes: TransactionVotes;
}

type LinkRepositoryToObjectPool = Handler<
  typeof ObjectPoolService.method.linkRepositoryToObjectPool
>;

const ALTERNATES = "objects/info/alternates";
const ALTERNATES_MODE = 0o600;

/**
 * Lets a repository borrow objects from an object pool. What both have stays in both until the
 * repository is packed anew.
 */
export function linkRepositoryToObjectPool({ locator, votes }: Needs): LinkRepositoryToObjectPool {
  return async (request, call) => {
    const located = locateRepository(locator, request.repository);
    const pool = findPool(locator, request.objectPool);
    const vote = poolVote(votes, call);
    const objects = pathToPool(located, pool);
    if (isLinked(located, pool, objects)) {
      await vote("repository linked", "synchronized", "vote on linked repository");
      return {};
    }
    await link(located, Buffer.from(objects), vote);
    await removeMemberBitmaps(located, pool);
    return {};
  };
}

/** The pool's object directory from that of the repository, so that both may be moved together. */
function pathToPool({ path }: LocatedRepository, pool: LocatedRepository): string {
  return join(relative(join(path, "objects"), pool.path), "objects");
}

function isLinked({ path }: LocatedRepository, pool: LocatedRepository, expected: string): boolean {
  const current = readAlternates(path);
  if (current === undefined) return false;
  if (current === expected) return true;
  // The pool's absolute path is replaced.
  if (normalize(current) === join(pool.path, "objects")) return false;
  throw internal(`unexpected alternates content: ${quoteText(current)}`);
}

function readAlternates(path: string): string | undefined {
  try {
    return readAlternatesInfo(path)?.objectDirectories[0];
  } catch (error) {
    throw wrapError("internal", "getting alternates info", error);
  }
}

async function link(
  { path }: LocatedRepository,
  content: Uint8Array,
  vote: PoolVote,
): Promise<void> {
  const preimage = "committing alternates: voting on locked file: preimage vote at";
  try {
    await replaceFile(join(path, ALTERNATES), content, {
      mode: ALTERNATES_MODE,
      prepare: async () => {
        await vote("preparing commit locked file", "preparing", `${preimage} preparing phase`);
        await vote(content, "prepared", `${preimage} prepared phase`);
      },
      commit: () =>
        vote(content, "committed", "committing alternates: postimage vote at committed phase"),
    });
  } catch (error) {
    if (error instanceof LockedError) {
      throw wrapError("internal", "committing alternates: locking file", error);
    }
    throw error;
  }
}

/** Git warns its users when it finds bitmaps in both. */
async function removeMemberBitmaps(
  member: LocatedRepository,
  pool: LocatedRepository,
): Promise<void> {
  if ((await findBitmaps(pool)).length === 0) return;
  for (const bitmap of await findBitmaps(member)) await rm(bitmap, { force: true });
}

async function findBitmaps({ path }: LocatedRepository): Promise<string[]> {
  const folder = join(path, "objects/pack");
  const names = await readdir(folder).catch((error: unknown) => {
    throw internal(systemErrorText(error), { cause: error });
  });
  const bitmaps = names.filter((name) => name.startsWith("pack-") && name.endsWith(".bitmap"));
  return bitmaps.map((name) => join(folder, name));
}
