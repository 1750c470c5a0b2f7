import { create } from "@bufbuild/protobuf";
import { quoteText } from "../../base/text/quote-text.ts";
import { type ChangedPath, ChangedPathsReader } from "../../git/diff/changed-paths-reader.ts";
import { DiffFormatError } from "../../git/diff/diff-error.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromText } from "../../git/ref/binary-string.ts";
import type { FallbackReason } from "../../gitcmd/fallback-reason.ts";
import type { GitCommand } from "../../gitcmd/git-command.ts";
import type { GitExitError, GitRunner } from "../../gitcmd/git-runner.ts";
import {
  type DiffService,
  FindChangedPathsRequest_DiffStatus as DiffStatus,
  type FindChangedPathsRequest,
  FindChangedPathsRequest_MergeCommitDiffMode as MergeMode,
  type FindChangedPathsRequest_Request as PathsRequest,
  FindChangedPathsRequest_RequestSchema as PathsRequestSchema,
} from "../../proto/diff_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import {
  failedPrecondition,
  invalidArgument,
  notFound,
  RpcError,
  wrapError,
} from "../../rpc/rpc-error.ts";
import { itemsContinuedByGit } from "../common/continued-by-git.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import { findObject, type RevisionNeeds } from "../common/resolve-revision.ts";
import { changedPathReply, changedPathSize } from "./changed-path-reply.ts";
import { type Comparison, printed } from "./compare.ts";
import { ownChangedPaths, type ResolvedRequest } from "./own-changed-paths.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type FindChangedPaths = Handler<typeof DiffService.method.findChangedPaths>;

const FILTERS: Readonly<Partial<Record<DiffStatus, string>>> = {
  [DiffStatus.ADDED]: "A",
  [DiffStatus.MODIFIED]: "M",
  [DiffStatus.DELETED]: "D",
  [DiffStatus.TYPE_CHANGE]: "T",
  [DiffStatus.COPIED]: "C",
  [DiffStatus.RENAMED]: "R",
};

/** Tells which paths commits have changed, or in which ones trees differ. */
export function findChangedPaths(needs: Needs): FindChangedPaths {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const requests = requestsOf(request);
    const repository = openLocated(needs, located, call);
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    const resolved: (ResolvedRequest | undefined)[] = [];
    for (const each of requests) resolved.push(await resolveRequest(repository, each, ask));
    const known = resolved.filter((each) => each !== undefined);
    if (known.length < resolved.length) {
      throw new RpcError("unknown", "unknown FindChangedPathsRequest type");
    }
    const hasCommitIds = requests.every(({ type }) => type.case === "commitRequest");
    const flags = flagsOf(request, hasCommitIds);
    if (known.length === 0) return;
    const comparison = {
      git: needs.git,
      directory: { ...located, objectFormat: repository.objects.format },
      gitCall: ask.gitCall,
      signal: call.signal,
    };
    const lines = known.map(({ commit, others }) => [commit, ...others].join(" ").trim());
    const command = { name: "diff-tree", flags } as const;
    const input = { command, stdin: Buffer.from(`${lines.join("\n")}\n`), hasCommitIds };
    const wanted = {
      statuses: new Set(filterOf(request)),
      findRenames: request.findRenames,
      showsEachParent: showsEachParent(request),
      hasCommitIds,
    };
    const own = () => ownChangedPaths(needs.git, repository, known, wanted);
    const reply = new ReplyChunk(changedPathSize);
    const ours = itemsContinuedByGit(own, (fallback) => askGit(comparison, input, fallback));
    for await (const changed of ours) {
      const paths = reply.add(changedPathReply(changed));
      if (paths !== undefined) yield { paths };
    }
    const paths = reply.rest();
    if (paths !== undefined) yield { paths };
  };
}

interface DiffTreeInput {
  readonly command: GitCommand;
  readonly stdin: Uint8Array;
  readonly hasCommitIds: boolean;
}

async function* askGit(
  comparison: Comparison,
  { command, stdin, hasCommitIds }: DiffTreeInput,
  fallback: FallbackReason,
): AsyncGenerator<ChangedPath, void, undefined> {
  const reader = new ChangedPathsReader(hasCommitIds);
  const options = { stdin, fallback };
  try {
    for await (const chunk of printed(comparison, command, comparisonFailed, options)) {
      yield* reader.push(chunk);
    }
  } catch (error) {
    throw error instanceof DiffFormatError ? wrapError("unknown", "parsing err", error) : error;
  }
}

function comparisonFailed(error: GitExitError): Error {
  const { metadata } = error;
  return failedPrecondition(`cmd wait err: ${error.message}`, { cause: error, metadata });
}

function requestsOf({ commits, requests }: FindChangedPathsRequest): readonly PathsRequest[] {
  if (commits.length === 0) return requests;
  if (requests.length > 0) throw invalidArgument("cannot specify both commits and requests");
  return commits.map((commitRevision) =>
    create(PathsRequestSchema, { type: { case: "commitRequest", value: { commitRevision } } }),
  );
}

function flagsOf(request: FindChangedPathsRequest, hasCommitIds: boolean): string[] {
  const flags = ["-z", "--stdin", "-r", "--root", `--diff-filter=${filterOf(request)}`];
  if (!hasCommitIds) flags.push("--no-commit-id");
  flags.push(request.findRenames ? "--find-renames=30%" : "--no-renames");
  switch (request.mergeCommitDiffMode) {
    case MergeMode.UNSPECIFIED:
    case MergeMode.INCLUDE_MERGES:
      return [...flags, "-m"];
    case MergeMode.ALL_PARENTS:
      return [...flags, "-c"];
    default:
      return flags;
  }
}

function filterOf({ diffFilters }: FindChangedPathsRequest): string {
  if (diffFilters.length === 0) return "AMDTCR";
  const letters = diffFilters.map((status) => {
    const letter = FILTERS[status];
    if (letter === undefined) throw invalidArgument("invalid diff filter requested");
    return letter;
  });
  return [...new Set(letters)].join("");
}

/** Otherwise merges are compared with all of their parents at once, or not at all. */
function showsEachParent({ mergeCommitDiffMode }: FindChangedPathsRequest): boolean {
  return (
    mergeCommitDiffMode === MergeMode.UNSPECIFIED ||
    mergeCommitDiffMode === MergeMode.INCLUDE_MERGES
  );
}

/** Returns undefined when the request asks for nothing. */
async function resolveRequest(
  repository: OpenedRepository,
  { type }: PathsRequest,
  ask: RevisionNeeds,
): Promise<ResolvedRequest | undefined> {
  const resolve = (kind: "commit" | "tree", what: string, revision: string): Promise<Oid> =>
    resolveAs(repository, kind, what, revision, ask);
  switch (type.case) {
    case "commitRequest": {
      const { commitRevision, parentCommitRevisions } = type.value;
      const commit = await resolve("commit", "commit", commitRevision);
      const others: Oid[] = [];
      for (const parent of parentCommitRevisions) {
        others.push(await resolve("commit", "commit parent", parent));
      }
      return { commit, others };
    }
    case "treeRequest": {
      const left = await resolve("tree", "left tree", type.value.leftTreeRevision);
      const right = await resolve("tree", "right tree", type.value.rightTreeRevision);
      return { commit: "", others: [left, right] };
    }
    default:
      return undefined;
  }
}

async function resolveAs(
  repository: OpenedRepository,
  kind: "commit" | "tree",
  what: string,
  revision: string,
  ask: RevisionNeeds,
): Promise<Oid> {
  try {
    if (revision === "") throw invalidArgument("revision cannot be empty");
    const oid = await findObject(repository, `${binaryFromText(revision)}^{${kind}}`, ask);
    if (oid !== undefined) return oid;
    throw notFound(`revision can not be found: ${quoteText(revision)}`);
  } catch (error) {
    throw wrapError("internal", `resolving ${what}`, error);
  }
}
