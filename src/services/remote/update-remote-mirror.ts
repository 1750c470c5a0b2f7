import { randomBytes } from "node:crypto";
import { peelToCommit } from "../../git/object/peel.ts";
import { parseOid, zeroOid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { RefName } from "../../git/ref/ref-name.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { RemoteService, UpdateRemoteMirrorRequest } from "../../proto/remote_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { asInternal } from "../common/as-internal.ts";
import { collectGit } from "../common/collect-git.ts";
import { headTarget } from "../common/default-branch.ts";
import { type OpenedStream, takeFirst } from "../common/first-request.ts";
import { askAncestry, isAncestorAlike } from "../common/git-ancestry.ts";
import { type GitCall, gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import {
  configEnvironment,
  type RequestedRemote,
  remoteSettings,
} from "../common/remote-settings.ts";
import { prepareSsh } from "../common/ssh-invocation.ts";
import { type IsAncestor, type MirrorPlan, planMirror, selectReferences } from "./mirror-plan.ts";
import { type NamedRemote, remoteReferences, said } from "./remote-references.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type UpdateRemoteMirror = Handler<typeof RemoteService.method.updateRemoteMirror>;

/** References that one push carries; a host that refuses one of them refuses few others. */
const REFSPECS_PER_PUSH = 10;

/** Pushes branches and tags to a mirror, and removes from it what is gone here. */
export function updateRemoteMirror(needs: Needs): UpdateRemoteMirror {
  return async (requests, call) => {
    const { first, rest } = await openStream(requests);
    const located = locateRepository(needs.locator, first.repository);
    const remote = checkedRemote(first);
    const options = gitCall(call);
    try {
      const isSelected = selectReferences(await collectPatterns(first, rest));
      const env = configEnvironment(remoteSettings(`inmemory-${remote.suffix}`, remote));
      await using ssh = await prepareSsh(first);
      const named = {
        name: `inmemory-${remote.suffix}`,
        env: { ...env, GIT_SSH_COMMAND: ssh.command },
      };
      const repository = openLocated(needs, located, call);
      const mirroring = { git: needs.git, repository, remote: named, options };
      const plan = await makePlan(mirroring, isSelected, first.keepDivergentRefs);
      await push(mirroring, plan, !first.keepDivergentRefs);
      return { divergentRefs: plan.divergent.map(bytesFromBinary) };
    } catch (error) {
      throw asInternal(error);
    }
  };
}

/** What all steps of one call work with. */
interface Mirroring {
  readonly git: GitRunner;
  readonly repository: OpenedRepository;
  readonly remote: NamedRemote;
  readonly options: GitCall;
}

async function openStream(
  requests: AsyncIterable<UpdateRemoteMirrorRequest>,
): Promise<OpenedStream<UpdateRemoteMirrorRequest>> {
  try {
    return await takeFirst(requests);
  } catch (error) {
    throw wrapError("internal", "receive first request", error);
  }
}

function checkedRemote({
  remote,
}: UpdateRemoteMirrorRequest): RequestedRemote & { readonly suffix: string } {
  if (remote === undefined) throw invalidArgument("missing Remote");
  if (remote.url === "") throw invalidArgument("remote is missing URL");
  const { url, httpAuthorizationHeader, resolvedAddress } = remote;
  // Nothing that the repository's own settings say of a remote shall take part.
  const suffix = randomBytes(8).toString("hex");
  return { url, httpAuthorizationHeader, resolvedAddress, suffix };
}

async function collectPatterns(
  first: UpdateRemoteMirrorRequest,
  rest: AsyncIterable<UpdateRemoteMirrorRequest>,
): Promise<readonly Uint8Array[]> {
  const patterns = [...first.onlyBranchesMatching];
  for await (const { onlyBranchesMatching } of rest) patterns.push(...onlyBranchesMatching);
  return patterns;
}

async function makePlan(
  mirroring: Mirroring,
  isSelected: (name: string) => boolean,
  keepDivergentRefs: boolean,
): Promise<MirrorPlan> {
  const { git, repository, remote, options } = mirroring;
  const remoteRefs = await remoteReferences(git, repository.located, remote, options);
  const local = [...repository.refs.list({ prefixes: ["refs/heads/", "refs/tags/"] })];
  return planMirror({
    local,
    remote: remoteRefs,
    defaultBranch: defaultBranch(repository),
    keepDivergentRefs,
    isSelected,
    isAncestor: ancestry(mirroring),
  });
}

function defaultBranch({ refs }: OpenedRepository): string {
  try {
    return headTarget(refs);
  } catch (error) {
    throw wrapError("unknown", "get default branch", error);
  }
}

function ancestry({ git, repository, options }: Mirroring): IsAncestor {
  const { objects, refs } = repository;
  return async (ancestor, child) => {
    const ancestorOid = parseOid(ancestor);
    // Of an id that is too long or too short for the repository, git says what is wrong.
    const isKnowable = ancestor.length === zeroOid(objects.format).length;
    if (ancestorOid === undefined || (isKnowable && objects.header(ancestorOid) === undefined)) {
      return false;
    }
    const childOid = parseOid(child) ?? refs.findOid(child as RefName);
    const older = isKnowable ? peelToCommit(objects, ancestorOid) : undefined;
    const newer = childOid && peelToCommit(objects, childOid);
    if (older !== undefined && newer !== undefined) {
      return isAncestorAlike(git, repository, [older, newer], options);
    }
    const revisions = [bytesFromBinary(ancestor), bytesFromBinary(child)] as const;
    return askAncestry(git, repository.located, revisions, options);
  };
}

async function push(
  { git, repository, remote, options }: Mirroring,
  { refspecs }: MirrorPlan,
  isForced: boolean,
): Promise<void> {
  const { name, env } = remote;
  const flags = isForced ? ["--force"] : [];
  for (let start = 0; start < refspecs.length; start += REFSPECS_PER_PUSH) {
    const batch = refspecs.slice(start, start + REFSPECS_PER_PUSH).map(bytesFromBinary);
    const command = { name: "push", flags, args: [name, ...batch], env } as const;
    const { stderrBytes, failure } = await collectGit(git, repository.located, command, options);
    if (failure === undefined) continue;
    const { message } = said(failure.message, stderrBytes, failure);
    throw internal(`push to mirror: git push: ${message}`, { cause: failure });
  }
}
