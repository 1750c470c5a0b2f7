import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import { RawBlameErrorSchema } from "../../proto/commit_pb.ts";
import { detail, invalidArgument, notFound, type RpcErrorOptions } from "../../rpc/rpc-error.ts";
import { streamContent } from "../common/content-chunks.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import { findObject, type RevisionNeeds } from "../common/resolve-revision.ts";

/** A file for git to read; gone when disposed. */
interface TemporaryFile extends AsyncDisposable {
  readonly path: string;
}

/**
 * Writes the blob that a revision names, a list of commits to be ignored, to a file.
 *
 * @returns undefined when no blob is named
 */
export async function ignoreRevisionsFile(
  repository: OpenedRepository,
  revision: Uint8Array,
  ask: RevisionNeeds,
  signal: AbortSignal,
): Promise<TemporaryFile | undefined> {
  if (revision.length === 0) return undefined;
  const oid = await findObject(repository, binaryFromBytes(revision), ask);
  const header = oid && repository.objects.header(oid);
  if (oid === undefined || header === undefined) {
    throw notFound("cannot resolve ignore-revs blob", about(revision));
  }
  if (header.type !== "blob") {
    throw invalidArgument("ignore revision is not a blob", about(revision));
  }
  return writeBlob(repository, oid, header.size, signal);
}

function about(ignoreRevisionsBlob: Uint8Array): RpcErrorOptions {
  const error = { case: "resolveIgnoreRevs" as const, value: { ignoreRevisionsBlob } };
  return { detail: detail(RawBlameErrorSchema, { error }) };
}

async function writeBlob(
  { objects }: OpenedRepository,
  oid: Oid,
  size: number,
  signal: AbortSignal,
): Promise<TemporaryFile> {
  const folder = await mkdtemp(join(tmpdir(), "ignore-revs-"));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const path = join(folder, "file");
  try {
    await writeFile(path, streamContent(objects, oid, size, signal), { signal });
    return { path, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
