import { isUtf8 } from "node:buffer";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";
import type {
  ConflictFileSchema,
  ConflictsService,
  ListConflictFilesRequest,
} from "../../proto/conflicts_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition, invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type ConflictingFile, MergeConflictError } from "../common/merge-conflict.ts";
import { mergeTrees } from "../common/merge-trees.ts";
import { type Operation, type OperationNeeds, openOperation } from "../common/operation.ts";
import { readObject } from "../common/read-commit.ts";
import { verifyRevision } from "../common/verify-revision.ts";

type ListConflictFiles = Handler<typeof ConflictsService.method.listConflictFiles>;
type ConflictFile = MessageInitShape<typeof ConflictFileSchema>;

/** Bytes of content in one piece, and in one reply before it is sent. */
const CONTENT_BYTES = 128 * 1024;

/** Lists the files that two commits contradict each other in, with marks where they do. */
export function listConflictFiles(needs: OperationNeeds): ListConflictFiles {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    checkRequest(request);
    await using operation = await openOperation(needs, located, call);
    const ours = await findCommit(needs, operation, request.ourCommitOid, "our");
    const theirs = await findCommit(needs, operation, request.theirCommitOid, "their");
    const conflict = await findConflict(needs, operation, ours, theirs);
    if (conflict === undefined) return;
    const batch = new Batch();
    for (const paths of groupByPath(conflict.files)) {
      batch.files.push(fileHeader(request, paths));
      if (request.skipContent) continue;
      const content = await readContent(needs, operation, conflict.tree, paths);
      yield* batch.add(replaceOids(content, [ours, paths.ours], [theirs, paths.theirs]));
    }
    if (batch.files.length > 0) yield { files: batch.files };
  };
}

/** Collects what goes into one reply. */
class Batch {
  files: ConflictFile[] = [];
  #bytes = 0;

  /** Adds the content of the last file. Yields replies that are full. */
  *add(content: Buffer): Generator<{ files: ConflictFile[] }, void, undefined> {
    for (let start = 0; start < content.length; start += CONTENT_BYTES) {
      const value = content.subarray(start, start + CONTENT_BYTES);
      this.files.push({ conflictFilePayload: { case: "content", value } });
      this.#bytes += value.length;
      if (this.#bytes < CONTENT_BYTES) continue;
      yield { files: this.files };
      this.files = [];
      this.#bytes = 0;
    }
  }
}

function checkRequest({ ourCommitOid, theirCommitOid }: ListConflictFilesRequest): void {
  if (ourCommitOid === "") throw invalidArgument("empty OurCommitOid");
  if (theirCommitOid === "") throw invalidArgument("empty TheirCommitOid");
}

async function findCommit(
  { git }: OperationNeeds,
  { repository, options }: Operation,
  revision: string,
  side: "our" | "their",
): Promise<Oid> {
  const doing = `could not lookup '${side}' OID`;
  const ask = { git, gitCall: () => options };
  const commit = `${binaryFromText(revision)}^{commit}`;
  const oid = await verifyRevision(repository, commit, ask).catch((error) => {
    throw wrapError("failed-precondition", doing, error);
  });
  if (oid === undefined) throw failedPrecondition(`${doing}: reference not found`);
  return oid;
}

async function findConflict(
  { git }: OperationNeeds,
  operation: Operation,
  ours: Oid,
  theirs: Oid,
): Promise<MergeConflictError | undefined> {
  try {
    await mergeTrees(git, operation, { ours, theirs, namesOnly: false });
    return undefined;
  } catch (error) {
    if (error instanceof MergeConflictError) return error;
    throw wrapError("internal", "couldn't find conflict", error);
  }
}

/** The paths of a file in conflict, binary strings; empty for a side that doesn't have it. */
interface ConflictPaths {
  ancestor: string;
  ours: string;
  theirs: string;
  mode: number;
}

function groupByPath(files: readonly ConflictingFile[]): Iterable<Readonly<ConflictPaths>> {
  const groups = new Map<string, ConflictPaths>();
  for (const { path, mode, stage } of files) {
    const paths = groups.get(path) ?? { ancestor: "", ours: "", theirs: "", mode: 0 };
    groups.set(path, paths);
    if (stage === 1) paths.ancestor = path;
    else if (stage === 3) paths.theirs = path;
    else {
      paths.ours = path;
      paths.mode = mode;
    }
  }
  return groups.values();
}

function fileHeader(
  { ourCommitOid: commitOid, allowTreeConflicts }: ListConflictFilesRequest,
  { ancestor, ours, theirs, mode: ourMode }: ConflictPaths,
): ConflictFile {
  if (!allowTreeConflicts && (ours === "" || theirs === "")) {
    throw failedPrecondition("conflict side missing");
  }
  const value = {
    ...{ commitOid, ourMode },
    theirPath: bytesFromBinary(theirs),
    ourPath: bytesFromBinary(ours),
    ancestorPath: bytesFromBinary(ancestor),
  };
  return { conflictFilePayload: { case: "header", value } };
}

async function readContent(
  { git }: OperationNeeds,
  { repository, options }: Operation,
  tree: Oid,
  { ours, theirs }: ConflictPaths,
): Promise<Buffer> {
  const ask = { git, gitCall: () => options };
  const path = ours === "" ? theirs : ours;
  const oid = await verifyRevision(repository, `${tree}:${path}`, ask).catch((error) => {
    throw wrapError("failed-precondition", "getting file revision", error);
  });
  if (oid === undefined) throw failedPrecondition("getting file revision: reference not found");
  const object = await readObject(repository.objects, oid, options.signal).catch((error) => {
    throw wrapError("internal", "reading conflict object", error);
  });
  if (object === undefined) throw failedPrecondition("getting objectreader: object not found");
  if (!isUtf8(object.content)) throw failedPrecondition("unsupported encoding");
  return object.content;
}

/** Has marks name files instead of commits. */
export function replaceOids(
  content: Buffer,
  ...names: readonly (readonly [oid: Oid, path: string])[]
): Buffer {
  let text = content.toString("latin1");
  for (const [oid, path] of names) text = text.replaceAll(oid, () => path);
  return bytesFromBinary(text);
}
