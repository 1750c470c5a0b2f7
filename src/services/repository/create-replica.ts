import { lstatSync } from "node:fs";
import { mkdir, mkdtemp, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import type { RefFormat } from "../../git/repository/repository-format.ts";
import {
  RepositoryInfoResponse_ReferencesInfo_ReferenceBackend as Backend,
  type RepositoryService,
} from "../../proto/repository_pb.ts";
import type { Repository } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Client } from "../../rpc/client/client.ts";
import type { OutgoingMetadata } from "../../rpc/client/metadata.ts";
import { notFound, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { extractTar } from "../../storage/archive/extract-tar.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { type CreateNeeds, createRepository } from "../common/create-repository.ts";
import type { GitCall } from "../common/git-call.ts";
import { statusText } from "../common/status-text.ts";

/** The server that has the source of a replica. */
export interface SourceServer {
  readonly client: Client<typeof RepositoryService>;
  /** What goes along with each call. */
  readonly metadata: OutgoingMetadata;
}

export interface Replica {
  readonly server: SourceServer;
  readonly source: Repository;
  readonly target: LocatedRepository;
  readonly refFormat: RefFormat;
  readonly options: GitCall;
}

/** Callers drop their record of a repository when they hear this. */
export function invalidSource(cause?: unknown): RpcError {
  return notFound("invalid source repository", { cause });
}

/** Asks how the source stores its references: its files only make sense to the same way. */
export async function sourceRefFormat(
  { client, metadata }: SourceServer,
  source: Repository,
  { signal }: Call,
): Promise<RefFormat> {
  const failure = "source reference backend";
  const info = await client
    .repositoryInfo({ repository: source }, { signal, metadata })
    .catch((error: unknown) => {
      if (!(error instanceof RpcError)) throw error;
      if (error.kind === "failed-precondition") throw invalidSource(error);
      const message = `${failure}: repository info: ${statusText(error)}`;
      throw new RpcError(error.kind === "unknown" ? "internal" : error.kind, message, {
        cause: error,
      });
    });
  switch (info.references?.referenceBackend) {
    case Backend.FILES:
      return "files";
    case Backend.REFTABLE:
      return "reftable";
    default:
      throw new RpcError("internal", `${failure}: unknown reference backend`);
  }
}

/** Makes the target from a copy of the source's files; what is in its place is moved away. */
export async function createReplica(
  needs: CreateNeeds,
  { server, source, target, refFormat, options }: Replica,
  call: Call,
): Promise<void> {
  await moveAway(needs.locator, target);
  const seed = (temporary: LocatedRepository) => copyFiles(server, source, temporary, call.signal);
  const initFlags = [["--ref-format", refFormat]] as const;
  try {
    await createRepository(needs, target, { initFlags, seed, options }, call);
  } catch (error) {
    if (error instanceof InvalidSourceError) throw invalidSource(error);
    const doing = "could not create repository from snapshot: creating repository";
    throw wrapError("internal", doing, error);
  }
}

/** Whatever it is, it may be of use to somebody for a while. */
async function moveAway(
  locator: RepositoryLocator,
  { path, storageName }: LocatedRepository,
): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  const folder = locator.temporaryFolder(storageName);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const seconds = Math.floor(Date.now() / 1000);
  const aside = await mkdtemp(join(folder, `${storageName}-repositories.old.${seconds}.`));
  await rename(path, join(aside, basename(path)));
}

class InvalidSourceError extends RpcError {}

async function copyFiles(
  { client, metadata }: SourceServer,
  source: Repository,
  { path }: LocatedRepository,
  signal: AbortSignal,
): Promise<void> {
  const replies = client.getSnapshot({ repository: source }, { signal, metadata });
  let isEmpty = true;
  const archive = async function* (): AsyncGenerator<Uint8Array> {
    for await (const { data } of replies) {
      isEmpty = false;
      yield data;
    }
  };
  try {
    await extractTar(archive(), path, { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (isEmpty && isInvalidSource(error)) throw new InvalidSourceError("not-found", "invalid");
    const step = isEmpty ? "first snapshot read" : "extract tar";
    throw wrapError("internal", `extracting snapshot: ${step}`, error);
  }
  if (isEmpty) throw new RpcError("internal", "extracting snapshot: first snapshot read: EOF");
}

function isInvalidSource(error: unknown): boolean {
  if (!(error instanceof RpcError)) return false;
  const { kind, message } = error;
  if (kind === "failed-precondition") return message.includes("repository not valid");
  return kind === "not-found" && /repository not found|GetRepoPath: not a git repo/.test(message);
}
