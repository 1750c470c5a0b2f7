import type { Oid } from "../../git/oid/oid.ts";
import { parseOid } from "../../git/oid/oid.ts";
import type { RefReader } from "../../git/ref/ref-reader.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { FetchBundleRequest, RepositoryService } from "../../proto/repository_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import {
  type BundleFile,
  bundlePieces,
  fetchBundle as fetch,
  receiveBundle,
} from "../common/bundle.ts";
import { startReferenceChange } from "../common/change-references.ts";
import { type OpenedStream, takeFirst } from "../common/first-request.ts";
import { type GitCall, gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { type VotingHooksNeeds, votingHooks } from "../common/voting-hooks.ts";

export type FetchBundleNeeds = ReadNeeds & VotingHooksNeeds & { readonly git: GitRunner };
type FetchBundle = Handler<typeof RepositoryService.method.fetchBundle>;

/** Sets references to those of a bundle, all or none; HEAD as well when the client wants it. */
export function fetchBundle(needs: FetchBundleNeeds): FetchBundle {
  return async (requests, call) => {
    const stream = await openStream(requests);
    const { repository: address, updateHead } = stream.first;
    const located = locateRepository(needs.locator, address);
    const options = gitCall(call);
    await using bundle = await receive(needs, located.storageName, stream, call);
    await mirrorBundle(needs, located, bundle, { call, options, updateHead });
    return {};
  };
}

interface Mirroring {
  readonly call: Call;
  readonly options: GitCall;
  readonly updateHead: boolean;
}

/** Sets a repository's references to those of a bundle, all or none, and HEAD when it is wanted. */
export async function mirrorBundle(
  needs: FetchBundleNeeds,
  located: LocatedRepository,
  bundle: BundleFile,
  { call, options, updateHead }: Mirroring,
): Promise<void> {
  try {
    const hooks = votingHooks(needs, located, call);
    await fetch(needs.git, located, bundle, { ...options, ...hooks });
  } catch (error) {
    call.signal.throwIfAborted();
    throw wrapError("internal", "fetch bundle", error);
  }
  if (!updateHead) return;
  try {
    await setHead(needs, openLocated(needs, located, call), bundle, { call, options });
  } catch (error) {
    throw wrapError("internal", "fetch bundle: update head from bundle", error);
  }
}

async function openStream(
  requests: AsyncIterable<FetchBundleRequest>,
): Promise<OpenedStream<FetchBundleRequest>> {
  try {
    return await takeFirst(requests);
  } catch (error) {
    throw wrapError("internal", "first request", error);
  }
}

async function receive(
  { locator }: FetchBundleNeeds,
  storageName: string,
  { first, rest }: OpenedStream<FetchBundleRequest>,
  { signal }: Call,
): Promise<BundleFile> {
  try {
    return await receiveBundle(locator, storageName, bundlePieces({ first, rest }), signal);
  } catch (error) {
    signal.throwIfAborted();
    throw wrapError("internal", "fetch bundle: create temp bundle", error);
  }
}

/** A bundle tells HEAD's object, not the branch: one that has the object is taken for it. */
async function setHead(
  needs: FetchBundleNeeds,
  repository: OpenedRepository,
  bundle: BundleFile,
  { call, options }: { readonly call: Call; readonly options: GitCall },
): Promise<void> {
  const oid = await findHead(needs, repository, bundle, options);
  if (oid === undefined) return;
  const branch = branchAt(repository.refs, oid);
  const change = { noDeref: true, git: options };
  await using transaction = await startReferenceChange(needs, repository, call, change);
  await transaction.updateSymbolic("HEAD", branch);
  await transaction.commit().catch((error: unknown) => {
    throw wrapError("internal", "commit", error);
  });
}

async function findHead(
  { git }: FetchBundleNeeds,
  { located }: OpenedRepository,
  { path }: BundleFile,
  options: GitCall,
): Promise<Oid | undefined> {
  const command = { name: "bundle", verb: "list-heads", args: [path, "HEAD"] } as const;
  const { stdout } = await git.run(located, command, options);
  const [line = ""] = stdout.toString("latin1").split("\n");
  return line.endsWith(" HEAD") ? parseOid(line.slice(0, -" HEAD".length)) : undefined;
}

/** Tried before all other branches. */
const USUAL_NAMES = ["refs/heads/main", "refs/heads/master"];

function branchAt(refs: RefReader, oid: Oid): string {
  const branches = [...refs.list({ prefixes: ["refs/heads/"] })];
  const matching = branches.filter((branch) => branch.oid === oid).map(({ name }) => name);
  const usual = USUAL_NAMES.find((name) => matching.some((other) => other === name));
  const found = usual ?? matching[0];
  if (found === undefined) throw new RpcError("unknown", "guess head: reference not found");
  return found;
}
