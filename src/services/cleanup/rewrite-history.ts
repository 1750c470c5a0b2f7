import { objectIdProblem } from "../../git/oid/object-id-problem.ts";
import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import { HEAD, type RefName } from "../../git/ref/ref-name.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { CleanupService, RewriteHistoryRequest } from "../../proto/cleanup_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { aborted, internal, invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import {
  createScratchRepository,
  type ScratchRepository,
} from "../../storage/repository/scratch-repository.ts";
import { startReferenceChange } from "../common/change-references.ts";
import { collectGit } from "../common/collect-git.ts";
import { headTarget } from "../common/default-branch.ts";
import { type OpenedStream, takeFirst } from "../common/first-request.ts";
import { type GitCall, gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { type VotingHooksNeeds, votingHooks } from "../common/voting-hooks.ts";
import { referencesState } from "./references-state.ts";

export interface RewriteNeeds extends ReadNeeds, VotingHooksNeeds {
  readonly git: GitRunner;
}
type RewriteHistory = Handler<typeof CleanupService.method.rewriteHistory>;

/**
 * Rewrites all of a repository's history without some blobs, or with some texts replaced. It is made
 * aside by git-filter-repo and taken over at once.
 */
export function rewriteHistory(needs: RewriteNeeds): RewriteHistory {
  return async (requests, call) => {
    const stream = await during("receiving initial request", () => takeFirst(requests));
    const located = locateRepository(needs.locator, stream.first.repository);
    const repository = openLocated(needs, located, call);
    if (repository.objects.format === "sha256") {
      const reason = "does not support repositories using the SHA256 object format";
      throw invalidArgument(`git-filter-repo ${reason}`);
    }
    const changes = await receiveChanges(stream);
    const options = gitCall(call);
    using staging = await stage(needs, repository, call);
    const state = (): Promise<string> => referencesState(repository, call.signal);
    const before = await during("calculate initial checksum", state);
    await filter(needs, located, staging, changes, options);
    const after = await during("recalculate checksum", state);
    if (before !== after) {
      const metadata = { "initial checksum": before, "validation checksum": after };
      throw aborted("source repository checksum altered", { metadata });
    }
    await takeOver(needs, located, staging, call, options);
    return {};
  };
}

/** What git-filter-repo is told. */
interface Changes {
  readonly blobs: readonly string[];
  /** Lines of its file of texts to replace. */
  readonly redactions: readonly Uint8Array[];
}

async function receiveChanges({
  first,
  rest,
}: OpenedStream<RewriteHistoryRequest>): Promise<Changes> {
  const blobs: string[] = [];
  const redactions: Uint8Array[] = [];
  const add = (request: Pick<RewriteHistoryRequest, "blobs" | "redactions">): void => {
    for (const oid of request.blobs) blobs.push(checkBlob(oid));
    for (const pattern of request.redactions) redactions.push(checkRedaction(pattern));
  };
  add(first);
  for await (const request of rest) {
    if (request.repository !== undefined) {
      throw invalidArgument("subsequent requests must not contain repository");
    }
    add(request);
  }
  if (blobs.length > 0 || redactions.length > 0) return { blobs, redactions };
  throw invalidArgument("no object IDs or text replacements specified");
}

function checkBlob(oid: string): string {
  const problem = objectIdProblem(oid, "sha1");
  if (problem === undefined) return oid;
  throw invalidArgument(`validating object ID: ${problem}`, { metadata: { oid } });
}

/** The text may be a secret: it isn't told to anybody. */
function checkRedaction(pattern: Uint8Array): Uint8Array {
  if (!binaryFromBytes(pattern).includes("\n")) return pattern;
  throw invalidArgument("redaction pattern contains newline");
}

async function stage(
  needs: RewriteNeeds,
  { located, refs }: OpenedRepository,
  call: Call,
): Promise<ScratchRepository> {
  const head = await during("finding HEAD reference", () => headTarget(refs));
  const folder = needs.locator.temporaryFolder(located.storageName);
  return during("setting up staging repo", async () => {
    const staging = await createScratchRepository(folder, head);
    try {
      await voteOnHead(needs, { ...located, path: staging.path }, head, call);
      return staging;
    } catch (error) {
      staging[Symbol.dispose]();
      throw wrapError("internal", "setting default branch: commit", error);
    }
  });
}

/** Other servers of a transaction take HEAD of what is made aside for a change like any other. */
async function voteOnHead(
  needs: RewriteNeeds,
  staging: LocatedRepository,
  head: RefName,
  call: Call,
): Promise<void> {
  if (needs.votes.transactionOf(call) === undefined) return;
  const repository = openLocated(needs, staging, call);
  await using change = await startReferenceChange(needs, repository, call, { noDeref: true });
  await change.updateSymbolic(HEAD, head);
  await change.commit();
}

async function during<Result>(
  doing: string,
  step: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    throw wrapError("internal", doing, error);
  }
}

/** Writes the new history into the staging repository. */
async function filter(
  { git }: RewriteNeeds,
  { path }: LocatedRepository,
  staging: ScratchRepository,
  { blobs, redactions }: Changes,
  options: GitCall,
): Promise<void> {
  const blobsFile = staging.writeFile("strip-blobs", Buffer.from(blobs.join("\n")));
  const separated = redactions.flatMap((line, index) => (index === 0 ? [line] : ["\n", line]));
  const text = Buffer.concat(separated.map((part) => Buffer.from(part)));
  const textFile = staging.writeFile("replace-text", text);
  const command = {
    name: "filter-repo",
    flags: [
      `--target=${staging.path}`,
      `--source=${path}`,
      // Nothing is cleaned up: that is left to housekeeping.
      "--partial",
      // The source is no fresh clone.
      "--force",
      "--replace-refs=update-no-add",
      "--quiet",
      ...(blobs.length > 0 ? [`--strip-blobs-with-ids=${blobsFile}`] : []),
      ...(redactions.length > 0 ? [`--replace-text=${textFile}`] : []),
    ],
  } as const;
  // With a repository of its own, git would lead the program back to the source.
  const run = { ...options, hooks: "disabled" } as const;
  const { failure, stdout, stderr } = await collectGit(git, undefined, command, run);
  if (failure === undefined) return;
  const reason = `git-filter-repo failed with exit code ${failure.exitCode}`;
  const metadata = { stdout: stdout.toString(), stderr };
  throw internal(`rewriting repository history: ${reason}`, { cause: failure, metadata });
}

/** Makes all references those of the staging repository, at once. */
async function takeOver(
  needs: RewriteNeeds,
  located: LocatedRepository,
  { path }: ScratchRepository,
  call: Call,
  options: GitCall,
): Promise<void> {
  const command = {
    name: "fetch",
    config: [{ key: "advice.fetchShowForcedUpdates", value: "false" }],
    flags: [
      "--prune",
      "--no-tags",
      "--force",
      "--atomic",
      "--no-show-forced-updates",
      "--no-write-fetch-head",
      "--quiet",
    ],
    args: [`file://${path}`, "+refs/*:refs/*"],
  } as const;
  const run = { ...options, ...votingHooks(needs, located, call) };
  const { failure, stderr } = await collectGit(needs.git, located, command, run);
  if (failure === undefined) return;
  throw internal(`fetching rewritten history: ${failure.message}`, {
    cause: failure,
    metadata: { stderr },
  });
}
