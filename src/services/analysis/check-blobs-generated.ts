import { create } from "@bufbuild/protobuf";
import type { ObjectHeader } from "../../git/object/object-type.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromBytes, textFromBinary } from "../../git/ref/binary-string.ts";
import { InvalidRevisionError, parseRevision } from "../../git/revision/revision.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import {
  type AnalysisService,
  type CheckBlobsGeneratedRequest_Blob as Asked,
  type CheckBlobsGeneratedRequest,
  CheckBlobsGeneratedResponse_BlobSchema,
  type CheckBlobsGeneratedResponse_Blob as Checked,
} from "../../proto/analysis_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { asInternal } from "../common/as-internal.ts";
import { streamContent } from "../common/content-chunks.ts";
import { takeFirst } from "../common/first-request.ts";
import { isGeneratedFile } from "../common/generated-file.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { fieldSize, numberFieldSize } from "../common/message-size.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import { findObject, type RevisionNeeds } from "../common/resolve-revision.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type CheckBlobsGenerated = Handler<typeof AnalysisService.method.checkBlobsGenerated>;

/** The part of a file that is looked at. */
const CONTENT_BYTES_MAX = 2048;

/** Tells of each blob whether a program made it; every request has a reply of its own at least. */
export function checkBlobsGenerated(needs: Needs): CheckBlobsGenerated {
  return async function* (requests, call) {
    const { first, rest } = await takeFirst(requests).catch((error: unknown) => {
      throw wrapError("unknown", "receiving first request", error);
    });
    const located = locateRepository(needs.locator, first.repository);
    const repository = openLocated(needs, located, call);
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    const answer = async function* ({ blobs }: CheckBlobsGeneratedRequest) {
      const chunk = new ReplyChunk(checkedSize);
      for (const blob of blobs) {
        const full = chunk.add(await check(repository, blob, ask, call.signal));
        if (full !== undefined) yield { blobs: full };
      }
      const checked = chunk.rest();
      if (checked !== undefined) yield { blobs: checked };
    };
    checkRequest(first);
    yield* answer(first);
    for await (const request of rest) {
      checkRequest(request);
      yield* answer(request);
    }
  };
}

function checkRequest({ blobs }: CheckBlobsGeneratedRequest): void {
  const problem = requestProblem(blobs);
  if (problem !== undefined) throw invalidArgument(`validating request: ${problem}`);
}

function requestProblem(blobs: readonly Asked[]): string | undefined {
  if (blobs.length === 0) return "empty blobs";
  for (const { revision, path } of blobs) {
    try {
      parseRevision(revision, { path: true });
    } catch (error) {
      if (error instanceof InvalidRevisionError) return error.message;
      throw error;
    }
    if (path.length === 0) return "empty path";
  }
  return undefined;
}

async function check(
  repository: OpenedRepository,
  { revision, path }: Asked,
  ask: RevisionNeeds,
  signal: AbortSignal,
): Promise<Checked> {
  const content = await readStart(repository, revision, ask, signal);
  const generated = isGeneratedFile(textFromBinary(binaryFromBytes(path)), content);
  return create(CheckBlobsGeneratedResponse_BlobSchema, { revision, generated });
}

/** The first bytes of a blob, a character for each. */
async function readStart(
  repository: OpenedRepository,
  revision: Uint8Array,
  ask: RevisionNeeds,
  signal: AbortSignal,
): Promise<string> {
  const { oid, type, size } = await locateObject(repository, revision, ask).catch(notReadable);
  if (type !== "blob") throw invalidArgument("object is not a blob");
  const bytes = Math.min(size, CONTENT_BYTES_MAX);
  const chunks: Buffer[] = [];
  try {
    const pieces = streamContent(repository.objects, oid, bytes, signal);
    for await (const chunk of pieces) chunks.push(chunk);
  } catch (error) {
    return notReadable(error);
  }
  return Buffer.concat(chunks).toString("latin1");
}

async function locateObject(
  repository: OpenedRepository,
  revision: Uint8Array,
  ask: RevisionNeeds,
): Promise<ObjectHeader & { readonly oid: Oid }> {
  const name = binaryFromBytes(revision);
  const oid = await findObject(repository, name, ask);
  const header = oid && repository.objects.header(oid);
  if (oid !== undefined && header !== undefined) return { oid, ...header };
  const metadata = { revision: textFromBinary(name) };
  throw new RpcError("unknown", "object not found", { metadata });
}

function notReadable(error: unknown): never {
  throw asInternal(wrapError("unknown", "reading object", error));
}

function checkedSize({ revision, generated }: Checked): number {
  return fieldSize(revision.length) + numberFieldSize(generated ? 1 : 0);
}
