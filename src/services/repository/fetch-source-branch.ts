import { create } from "@bufbuild/protobuf";
import { ObjectNotFoundError } from "../../git/object/object-error.ts";
import { peelToCommit } from "../../git/object/peel.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import type { RepositoryCache } from "../../git/repository/repository-cache.ts";
import { InvalidRevisionError, parseRevision, type Revision } from "../../git/revision/revision.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { FetchSourceBranchRequest, RepositoryService } from "../../proto/repository_pb.ts";
import { type Repository, RepositorySchema } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, invalidArgument, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import type { Quarantine } from "../../storage/quarantine/quarantine.ts";
import { startReferenceChange } from "../common/change-references.ts";
import { fetchCommit } from "../common/fetch-commit.ts";
import { type GitCall, gitCall } from "../common/git-call.ts";
import type { InternalSourceNeeds } from "../common/internal-source.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated } from "../common/open-repository.ts";
import { quarantineFor } from "../common/quarantine-for.ts";
import { openRemoteRepository } from "../common/remote-repository.ts";
import type { ServerChannels } from "../common/server-channels.ts";
import type { TransactionVotes } from "../common/transaction-votes.ts";
import { verifyRevision } from "../common/verify-revision.ts";

interface Needs extends InternalSourceNeeds {
  readonly locator: RepositoryLocator;
  readonly repositories: RepositoryCache;
  readonly git: GitRunner;
  readonly votes: TransactionVotes;
  readonly channels: ServerChannels;
}

type FetchSourceBranch = Handler<typeof RepositoryService.method.fetchSourceBranch>;

/**
 * Brings a branch of another repository, which may be on another server, and sets a reference to
 * its commit. A branch that isn't there, or can't be fetched, is no error.
 */
export function fetchSourceBranch(needs: Needs): FetchSourceBranch {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    const branch = checkedRevision(request.sourceBranch);
    const target = checkedRevision(request.targetRef);
    using quarantine = await openQuarantine(needs, located);
    const repository = openLocated(needs, quarantine.repository, call);
    const source = request.sourceRepository ?? create(RepositorySchema);
    const fetching = { needs, repository, source, call, options: gitCall(call) };
    const oid = await findTip(fetching, branch, isSame(request));
    if (oid === undefined) return { result: false };
    if (!hasCommit(repository, oid) && !(await fetch(fetching, oid))) return { result: false };
    try {
      await quarantine.migrate();
    } catch (error) {
      throw wrapError("internal", "migrating quarantined objects", error);
    }
    const own = openLocated(needs, located, call);
    await setReference({ ...fetching, repository: own }, target, oid, request);
    return { result: true };
  };
}

/** What all steps of one call work with. */
interface Fetching {
  readonly needs: Needs;
  readonly repository: OpenedRepository;
  readonly source: Repository;
  readonly call: Call;
  readonly options: GitCall;
}

function checkedRevision(bytes: Uint8Array): Revision {
  try {
    return parseRevision(bytes);
  } catch (error) {
    if (!(error instanceof InvalidRevisionError)) throw error;
    throw invalidArgument(error.message, { cause: error });
  }
}

async function openQuarantine(needs: Needs, located: LocatedRepository): Promise<Quarantine> {
  try {
    return await quarantineFor(needs, located);
  } catch (error) {
    throw wrapError("internal", "creating object quarantine", error);
  }
}

function isSame({ repository, sourceRepository }: FetchSourceBranchRequest): boolean {
  return (
    repository?.storageName === sourceRepository?.storageName &&
    repository?.relativePath === sourceRepository?.relativePath
  );
}

/** What the branch holds; its server is asked unless both are the same repository. */
async function findTip(
  { needs, repository, source, call, options }: Fetching,
  branch: Revision,
  isSameRepository: boolean,
): Promise<Oid | undefined> {
  try {
    const remote = openRemoteRepository(needs.channels, source, call);
    if (!isSameRepository) return await remote.findCommit(branch);
    return await verifyRevision(repository, branch, { git: needs.git, gitCall: () => options });
  } catch (error) {
    if (!(error instanceof RpcError) || error.kind !== "unknown") throw error;
    throw internal(error.message, { cause: error });
  }
}

function hasCommit({ objects }: OpenedRepository, oid: Oid): boolean {
  try {
    return peelToCommit(objects, oid) !== undefined;
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return false;
    throw error;
  }
}

async function fetch(
  { needs, repository, source, call, options }: Fetching,
  oid: Oid,
): Promise<boolean> {
  const commit = { source, oid };
  const fetched = await fetchCommit(needs, repository.located, commit, call, options);
  const { failure, stderr } = fetched;
  if (failure === undefined) return true;
  call.logFields["fetch_error"] = `${failure.message}, stderr: ${stderr}`;
  return false;
}

async function setReference(
  { needs, repository, call, options }: Fetching,
  name: string,
  oid: Oid,
  { expectedTargetOldOid }: FetchSourceBranchRequest,
): Promise<void> {
  try {
    const expected = expectedOid(expectedTargetOldOid);
    await using change = await startReferenceChange(needs, repository, call, { git: options });
    await change.update(name, oid, expected);
    await change.commit();
  } catch (error) {
    throw wrapError("internal", "commit", error);
  }
}

/** Git would give up on what is no object id. */
function expectedOid(text: string): Oid | undefined {
  if (text === "") return undefined;
  const oid = parseOid(text);
  if (oid === undefined) throw new RpcError("unknown", "exit status 128");
  return oid;
}
