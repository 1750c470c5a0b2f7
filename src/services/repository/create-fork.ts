import { isAbsolute } from "node:path";
import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { binaryFromBytes, bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";
import { HEAD } from "../../git/ref/ref-name.ts";
import type { RepositoryCache } from "../../git/repository/repository-cache.ts";
import type { GitFlag } from "../../gitcmd/git-command.ts";
import type { CreateForkRequest, RepositoryService } from "../../proto/repository_pb.ts";
import type { Repository } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { type CreateNeeds, createRepository } from "../common/create-repository.ts";
import { type GitCall, gitCall } from "../common/git-call.ts";
import {
  type InternalSource,
  type InternalSourceNeeds,
  internalSource,
} from "../common/internal-source.ts";
import { placeRepository } from "../common/locate-repository.ts";
import { forgetOrigin, runClone } from "../common/run-clone.ts";
import { startFailure } from "../common/start-failure.ts";
import { findForkPool, leaveForkPool } from "./fork-pool.ts";

type Needs = CreateNeeds & InternalSourceNeeds & { readonly repositories: RepositoryCache };
type CreateFork = Handler<typeof RepositoryService.method.createFork>;

const BRANCHES = "refs/heads/";

/**
 * Makes a repository with the branches and tags of another one, or with one of its branches only.
 *
 * The source may be on another server. The fork appears as a whole; on failure nothing is left. It
 * shares the files of the source's object pool, if there is one here, but doesn't depend on it.
 */
export function createFork(needs: Needs): CreateFork {
  return async (request, call) => {
    const source = checkedSource(request);
    const target = placeRepository(needs.locator, request.repository);
    const options = gitCall(call);
    const seed = async (temporary: LocatedRepository): Promise<void> => {
      const flags = branchFlags(request);
      const from = findSource(needs, source, target, call);
      const pool = findForkPool(needs.locator, source, target);
      const reference = pool === undefined ? [] : [`--reference=${pool}`];
      const cloneFlags = [...flags, ...reference, ...from.flags];
      await clone(needs, temporary, { ...from, flags: cloneFlags }, options);
      if (pool !== undefined) await leaveForkPool(needs.git, temporary, pool, options);
      checkHead(needs, temporary, request);
      await forgetOrigin(needs.git, temporary, { ...options, isMirror: false });
    };
    try {
      await createRepository(needs, target, { initFlags: undefined, seed, options }, call);
    } catch (error) {
      throw wrapError("internal", "creating fork", error);
    }
    return {};
  };
}

/** The source may be anywhere, so it isn't looked for here. */
function checkedSource({ sourceRepository: source }: CreateForkRequest): Repository {
  const isSet = source !== undefined && (source.storageName !== "" || source.relativePath !== "");
  if (!isSet) throw invalidArgument("validating source repository: repository not set");
  if (source.relativePath !== "") return source;
  throw invalidArgument("validating source repository: repository path not set");
}

function branchFlags({ revision }: CreateForkRequest): GitFlag[] {
  if (revision.length === 0) return [];
  const reference = binaryFromBytes(revision);
  if (!reference.startsWith(BRANCHES)) {
    const metadata = { reference: textFromBinary(reference) };
    throw invalidArgument("reference is not a branch", { metadata });
  }
  const branch = reference.slice(BRANCHES.length);
  if (branch === "") throw invalidArgument("branch name is empty");
  return ["--no-tags", "--single-branch", ["--branch", bytesFromBinary(branch)]];
}

function findSource(
  needs: Needs,
  source: Repository,
  { storageName: targetStorage }: LocatedRepository,
  call: Call,
): InternalSource {
  try {
    return internalSource(needs, source, { targetStorage }, call);
  } catch (error) {
    throw wrapError("internal", "spawning fetch", error);
  }
}

async function clone(
  needs: Needs,
  temporary: LocatedRepository,
  { url, flags, env }: InternalSource,
  options: GitCall,
): Promise<void> {
  const { git } = needs;
  // A repository that is there already can be forked, whatever later rules say of its objects.
  const config = [{ key: "fetch.fsckObjects", value: "false" }];
  if (hidesHead(needs, url)) config.push({ key: "protocol.version", value: "0" });
  const cloneFlags = ["--bare", "--no-local", ...flags];
  const how = { url, flags: cloneFlags, config, env };
  const { failure, stderrBytes } = await runClone(git, temporary, how, options).catch(
    (error: unknown) => {
      throw startFailure("internal", "spawning fetch", error);
    },
  );
  if (failure === undefined) return;
  const said = `stderr: ${quoteBytes(stderrBytes)}`;
  throw internal(`fetching source repo: ${failure.message}, ${said}`, { cause: failure });
}

/**
 * Between servers git speaks its first protocol, which doesn't tell of a HEAD whose branch doesn't
 * exist. A source that is reached through the file system mustn't tell of it either.
 */
function hidesHead({ repositories }: Needs, url: string): boolean {
  if (!isAbsolute(url)) return false;
  return repositories.open(url).refs.resolve(HEAD).state === "missing";
}

/** A source whose HEAD names no branch would make a fork without a default branch. */
function checkHead(
  { repositories }: Needs,
  { path }: LocatedRepository,
  { revision }: CreateForkRequest,
): void {
  const head = repositories.open(path).refs.read(HEAD);
  if (head?.kind !== "symbolic") {
    throw internal("checking whether HEAD reference is sane: exit status 128");
  }
  const expected = binaryFromBytes(revision);
  if (expected === "" || head.target === expected) return;
  throw internal("HEAD points to unexpected reference", {
    metadata: { expected_target: expected, actual_target: head.target },
  });
}
