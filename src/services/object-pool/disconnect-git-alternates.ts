import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { link, rename, rm } from "node:fs/promises";
import { DomainError } from "../../base/error/domain-error.ts";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { ObjectPoolService } from "../../proto/objectpool_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal } from "../../rpc/rpc-error.ts";
import { syncPath } from "../../storage/file/sync.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { linkObjects } from "../../storage/object-pool/link-objects.ts";
import { viewOwnObjects } from "../../storage/object-pool/view-own-objects.ts";
import { readAlternatesInfo } from "../../storage/repository-info/alternates-info.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { TransactionVotes } from "../common/transaction-votes.ts";
import { type PoolVote, poolVote } from "./pool-votes.ts";

interface Needs {
  readonly locator: RepositoryLocator;
  readonly git: GitRunner;
  readonly votes: TransactionVotes;
}

type DisconnectGitAlternates = Handler<typeof ObjectPoolService.method.disconnectGitAlternates>;

/**
 * Makes a repository independent of its object pool: it gets links to all of the pool's objects,
 * and stops to borrow once it is proven that nothing is missing. The old alternates file is kept.
 *
 * The proof looks at the repository's own objects through a view of them, so that calls meanwhile,
 * and whoever comes after a crash, find a whole repository at any time.
 */
export function disconnectGitAlternates(needs: Needs): DisconnectGitAlternates {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    const vote = poolVote(needs.votes, call);
    try {
      await disconnect(needs, located, vote, call);
    } catch (error) {
      call.signal.throwIfAborted();
      if (error instanceof DomainError && error.kind !== "unknown") throw error;
      throw internal(systemErrorText(error), { cause: error });
    }
    return {};
  };
}

async function disconnect(
  needs: Needs,
  located: LocatedRepository,
  vote: PoolVote,
  call: Call,
): Promise<void> {
  const alternates = readAlternatesInfo(located.path)?.absolutePaths ?? [];
  const [poolObjects, ...others] = alternates;
  if (poolObjects === undefined) {
    await vote("no alternates", "synchronized", "vote on missing alternates");
    return;
  }
  const migrating = "preparatory vote for migrating objects";
  await vote("migrate objects", "preparing", migrating);
  await vote("migrate objects", "prepared", migrating);
  if (others.length > 0) throw internal("multiple alternate object directories");
  if (!statSync(poolObjects).isDirectory()) {
    throw internal("alternate object entry is not a directory");
  }
  await linkObjects(poolObjects, `${located.path}/objects`, call.signal);
  await vote("migrate objects", "committed", "committed vote for migrating objects");
  await removeAlternates(needs, located, vote, call);
}

async function removeAlternates(
  needs: Needs,
  located: LocatedRepository,
  vote: PoolVote,
  call: Call,
): Promise<void> {
  const disconnecting = "preparatory vote for disconnecting alternate";
  await vote("disconnect alternate", "preparing", disconnecting);
  await vote("disconnect alternate", "prepared", disconnecting);
  const file = `${located.path}/objects/info/alternates`;
  const seconds = Math.floor(Date.now() / 1000);
  const backup = `${file}.${seconds}.${randomBytes(6).toString("hex")}`;
  // Kept in any case, for whoever has to find out what has happened.
  await link(file, backup);
  await checkConnectivity(needs, located, call);
  await rm(file);
  await syncPath(`${located.path}/objects/info`);
  try {
    await vote("disconnect alternate", "committed", "committing vote for disconnecting alternate");
  } catch (error) {
    await link(backup, `${backup}.2`);
    await rename(`${backup}.2`, file);
    throw error;
  }
}

async function checkConnectivity(
  { git, locator }: Needs,
  located: LocatedRepository,
  call: Call,
): Promise<void> {
  const folder = locator.temporaryFolder(located.storageName);
  await using view = await viewOwnObjects(located.path, folder);
  const own = { ...located, objectDirectory: view.path, alternateObjectDirectories: [] };
  const flags = ["--objects", "--all", "--quiet"];
  try {
    await git.run(own, { name: "rev-list", flags }, gitCall(call));
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    throw internal(`git connectivity error while disconnected: ${error.message}`, { cause: error });
  }
}
