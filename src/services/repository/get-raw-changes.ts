import { quoteText } from "../../base/text/quote-text.ts";
import { hashObject } from "../../git/object/object-hash.ts";
import { type ObjectFormat, type Oid, zeroOid } from "../../git/oid/oid.ts";
import { binaryFromText } from "../../git/ref/binary-string.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type {
  GetRawChangesRequest,
  GetRawChangesResponse_RawChange as RawChange,
  RepositoryService,
} from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { type GitCall, gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { fieldSize, numberFieldSize } from "../common/message-size.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import { findObject } from "../common/resolve-revision.ts";
import { RawChangeParser } from "./raw-change-parser.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type GetRawChanges = Handler<typeof RepositoryService.method.getRawChanges>;

/** Lists the files in which two revisions differ. Nothing differs from the zero id. */
export function getRawChanges(needs: Needs): GetRawChanges {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const repository = openLocated(needs, located, call);
    const { format } = repository.objects;
    const options = gitCall(call);
    await checkRevisions(request, repository, { ...needs, options });
    if (request.toRevision === zeroOid(format)) return;
    const chunk = new ReplyChunk(changeSize);
    for await (const change of listChanges(repository, request, needs.git, options)) {
      const full = chunk.add(change);
      if (full !== undefined) yield { rawChanges: full };
    }
    const rawChanges = chunk.rest();
    if (rawChanges !== undefined) yield { rawChanges };
  };
}

async function* listChanges(
  repository: OpenedRepository,
  { fromRevision, toRevision }: GetRawChangesRequest,
  git: GitRunner,
  options: GitCall,
): AsyncGenerator<RawChange, void, undefined> {
  const { format } = repository.objects;
  const from = fromRevision === zeroOid(format) ? emptyTree(format) : fromRevision;
  const flags = ["--raw", "-z", "--no-abbrev"];
  const command = { name: "diff", flags, args: [from, toRevision] } as const;
  const parser = new RawChangeParser(repository.objects);
  try {
    for await (const output of git.stream(repository.located, command, options)) {
      yield* parser.push(output);
    }
  } catch (error) {
    throw error instanceof GitExitError ? wrapError("internal", "wait git diff", error) : error;
  }
}

async function checkRevisions(
  { fromRevision, toRevision }: GetRawChangesRequest,
  repository: OpenedRepository,
  { git, options }: { readonly git: GitRunner; readonly options: GitCall },
): Promise<void> {
  const { objects } = repository;
  for (const [name, revision] of [
    ["from", fromRevision],
    ["to", toRevision],
  ] as const) {
    if (revision === zeroOid(objects.format)) continue;
    const problem = invalidArgument(`invalid '${name}' revision: ${quoteText(revision)}`);
    const ask = { git, gitCall: () => options };
    const oid = await findObject(repository, binaryFromText(revision), ask).catch(() => {
      options.signal.throwIfAborted();
      throw problem;
    });
    if (oid === undefined || !objects.has(oid)) throw problem;
  }
}

function emptyTree(format: ObjectFormat): Oid {
  return hashObject("tree", Buffer.alloc(0), format);
}

function changeSize(change: RawChange): number {
  return (
    fieldSize(change.blobId.length) +
    numberFieldSize(Number(change.size)) +
    numberFieldSize(change.operation) +
    numberFieldSize(change.oldMode) +
    numberFieldSize(change.newMode) +
    fieldSize(change.oldPathBytes.length) +
    fieldSize(change.newPathBytes.length)
  );
}
