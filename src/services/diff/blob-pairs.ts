import { setImmediate as nextTurn } from "node:timers/promises";
import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { DiffFormatError } from "../../git/diff/diff-error.ts";
import { DiffReader } from "../../git/diff/diff-reader.ts";
import { emptyBlobId } from "../../git/diff/empty-blob.ts";
import { FileDiff } from "../../git/diff/file-diff.ts";
import type { DiffContents } from "../../git/diff/tree/diff-contents.ts";
import { type ObjectFormat, OID_HEX_LENGTH, type Oid, zeroOid } from "../../git/oid/oid.ts";
import { binaryFromBytes, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { parseRevision } from "../../git/revision/revision.ts";
import type { FallbackReason } from "../../gitcmd/fallback-reason.ts";
import type { GitDirectory } from "../../gitcmd/git-directory.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { DiffBlobsRequest } from "../../proto/diff_pb.ts";
import type { Call } from "../../rpc/call.ts";
import { internal, invalidArgument, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { findObject, type RevisionNeeds } from "../common/resolve-revision.ts";
import { startFailure } from "../common/start-failure.ts";
import { fallbackReason, LeftToGitError, openDiffContents } from "../common/tree-pairs.ts";
import type { ComparedDirectory } from "./compare.ts";
import { createEmptyBlobDirectory } from "./empty-blob-directory.ts";
import { printBlobDiff } from "./own-blob-diff.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };

/** One side of a pair: what the request names it, a binary string, and the blob that this is. */
interface Side {
  readonly revision: string;
  /** All zeros where there is no blob. */
  readonly oid: Oid;
}

type Pair = readonly [left: Side, right: Side];

/**
 * Compares pairs of blobs that are given by their ids or as `revision:path`; the attributes of the
 * path count then. An id of zeros stands for no blob.
 */
export async function* blobPairDiffs(
  needs: Needs,
  located: LocatedRepository,
  request: DiffBlobsRequest,
  flags: readonly string[],
  call: Call,
): AsyncGenerator<FileDiff, void, undefined> {
  const repository = openLocated(needs, located, call);
  const { format } = repository.objects;
  const ask = { git: needs.git, gitCall: lazyGitCall(call) };
  const pairs: Pair[] = [];
  for (const { leftBlob, rightBlob } of request.blobPairs) {
    pairs.push(await findPair(repository, leftBlob, rightBlob, ask));
  }
  await using empty = new AsyncDisposableStack();
  const openContents = once(() => openOwnContents(needs.git, repository, flags));
  const openDirectory = async (): Promise<ComparedDirectory> => ({
    ...withObjects(located, await provideEmptyBlob(repository, pairs, empty)),
    objectFormat: format,
  });
  const comparing = { ...ask, openContents, openDirectory, format, flags };
  for (const pair of pairs) {
    yield await comparePair(comparing, pair, request.patchBytesLimit);
    await nextTurn();
  }
}

/** What is needed to compare pairs, by git or without. */
interface Comparing extends RevisionNeeds {
  /** Throws an error with a `fallbackReason`. */
  readonly openContents: () => DiffContents;
  readonly openDirectory: () => Promise<ComparedDirectory>;
  readonly format: ObjectFormat;
  readonly flags: readonly string[];
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function openOwnContents(
  git: GitRunner,
  repository: OpenedRepository,
  flags: readonly string[],
): DiffContents {
  if (flags.length > 0) throw new LeftToGitError("options");
  const contents = openDiffContents(git, repository, "diff");
  contents.give(emptyBlobId(repository.objects.format), Buffer.alloc(0));
  return contents;
}

/** Git has to have the empty blob somewhere where a pair needs it. */
async function provideEmptyBlob(
  { objects }: OpenedRepository,
  pairs: readonly Pair[],
  stack: AsyncDisposableStack,
): Promise<string | undefined> {
  const { format } = objects;
  const needed = [zeroOid(format), emptyBlobId(format)];
  const needsEmpty = pairs.some((pair) => pair.some(({ oid }) => needed.includes(oid)));
  if (!needsEmpty || objects.has(emptyBlobId(format))) return undefined;
  return stack.use(await createEmptyBlobDirectory(format)).path;
}

function withObjects(located: LocatedRepository, path: string | undefined): GitDirectory {
  if (path === undefined) return located;
  const { alternateObjectDirectories = [] } = located;
  return { ...located, alternateObjectDirectories: [...alternateObjectDirectories, path] };
}

async function findPair(
  repository: OpenedRepository,
  leftBlob: Uint8Array,
  rightBlob: Uint8Array,
  ask: RevisionNeeds,
): Promise<Pair> {
  const left = await findSide(repository, "left", binaryFromBytes(leftBlob), ask);
  const right = await findSide(repository, "right", binaryFromBytes(rightBlob), ask);
  if (left.oid !== right.oid) return [left, right];
  throw invalidArgument("left and right blob revisions resolve to same OID", {
    metadata: { left_revision: left.revision, right_revision: right.revision },
  });
}

async function findSide(
  repository: OpenedRepository,
  side: "left" | "right",
  revision: string,
  ask: RevisionNeeds,
): Promise<Side> {
  const zero = zeroOid(repository.objects.format);
  try {
    return { revision, oid: revision === zero ? zero : await findBlob(repository, revision, ask) };
  } catch (error) {
    throw wrapError("invalid-argument", `getting ${side} blob info`, error);
  }
}

async function findBlob(
  repository: OpenedRepository,
  revision: string,
  ask: RevisionNeeds,
): Promise<Oid> {
  const { objects } = repository;
  checkRevision(revision, objects.format);
  const empty = emptyBlobId(objects.format);
  if (revision === empty) return empty;
  const oid = await findRevision(repository, revision, ask);
  const type = oid && objects.header(oid)?.type;
  if (oid === undefined || type === undefined) {
    throw new RpcError("unknown", "getting revision info: object not found");
  }
  if (type !== "blob") throw new RpcError("unknown", "revision is not blob");
  return oid;
}

async function findRevision(
  repository: OpenedRepository,
  revision: string,
  ask: RevisionNeeds,
): Promise<Oid | undefined> {
  try {
    return await findObject(repository, revision, ask);
  } catch (error) {
    throw wrapError("unknown", "getting revision info", error);
  }
}

/** Accepts only what can be a blob: an id, or a path in a revision. */
function checkRevision(revision: string, format: ObjectFormat): void {
  if (revision.includes(":")) {
    try {
      parseRevision(revision, { path: true });
    } catch (error) {
      throw wrapError("unknown", "validating path-scoped revision", error);
    }
    return;
  }
  const length = OID_HEX_LENGTH[format];
  const flaw =
    revision.length === length
      ? wrongCharacter(revision)
      : `expected length ${length}, got ${revision.length}`;
  if (flaw === undefined) return;
  const quoted = quoteBytes(bytesFromBinary(revision));
  throw new RpcError("unknown", `validating blob ID: invalid object ID: ${quoted}, ${flaw}`);
}

function wrongCharacter(id: string): string | undefined {
  const [character] = /[^0-9a-f]/u.exec(bytesFromBinary(id).toString()) ?? [];
  return character === undefined ? undefined : `invalid character '${character}'`;
}

/** Compares one pair; git can't compare several of that kind with one process. */
async function comparePair(
  comparing: Comparing,
  [left, right]: Pair,
  patchBytesLimit: number,
): Promise<FileDiff> {
  const { format } = comparing;
  const zero = zeroOid(format);
  const args = [left, right].map(({ revision }) =>
    revision === zero ? emptyBlobId(format) : revision,
  );
  // An empty blob against none: git has nothing to compare.
  if (args[0] === right.oid || args[1] === left.oid) return emptyDiff(left.oid, right.oid);
  const limits =
    patchBytesLimit > 0
      ? { enforceLimits: true, patchLimitsOnly: true, maxPatchBytes: patchBytesLimit }
      : {};
  const diff = await firstDiff(comparing, new DiffReader(format, limits), args);
  const { change } = diff;
  const fromId = left.oid === zero ? zero : change.fromId;
  diff.change = { ...change, fromId, toId: right.oid === zero ? zero : change.toId };
  return diff;
}

async function firstDiff(
  comparing: Comparing,
  reader: DiffReader,
  args: readonly string[],
): Promise<FileDiff> {
  let first: FileDiff | undefined;
  try {
    for await (const diff of printedDiffs(comparing, reader, args)) first ??= diff;
  } catch (error) {
    if (!(error instanceof GitExitError)) throw toFailure(error);
    if (first !== undefined) throw wrapError("internal", `${DOING}: waiting for git-diff`, error);
  }
  if (first === undefined) throw internal(`${DOING}: diff parser finished unexpectedly`);
  return first;
}

const DOING = "generating diff";

/** Yields all that git tells, even if it fails after that. */
async function* printedDiffs(
  comparing: Comparing,
  reader: DiffReader,
  args: readonly string[],
): AsyncGenerator<FileDiff, void, undefined> {
  try {
    for await (const chunk of printedBlobs(comparing, args)) yield* reader.push(chunk);
  } catch (error) {
    if (error instanceof GitExitError) yield* reader.end();
    throw error;
  }
  yield* reader.end();
}

async function* printedBlobs(
  { openContents, openDirectory, format, flags, git, gitCall }: Comparing,
  revisions: readonly string[],
): AsyncGenerator<Buffer, void, undefined> {
  let fallback: FallbackReason | undefined;
  try {
    yield printBlobDiff(openContents(), revisions, format);
    return;
  } catch (error) {
    fallback = fallbackReason(error);
    if (fallback === undefined) throw error;
  }
  const abbrev = `--abbrev=${OID_HEX_LENGTH[format]}`;
  const args = revisions.map(bytesFromBinary);
  const command = { name: "diff", flags: ["--patch-with-raw", abbrev, ...flags], args } as const;
  yield* git.stream(await openDirectory(), command, { ...gitCall(), fallback });
}

function toFailure(error: unknown): unknown {
  if (error instanceof DiffFormatError) return wrapError("internal", DOING, error);
  return startFailure("internal", `${DOING}: spawning git-diff`, error);
}

function emptyDiff(fromId: Oid, toId: Oid): FileDiff {
  return new FileDiff({ fromId, toId, fromPath: "", toPath: "", oldMode: 0, newMode: 0 });
}
