import { systemErrorText } from "../../base/error/system-error-text.ts";
import { binaryFromText } from "../../git/ref/binary-string.ts";
import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal } from "../../rpc/rpc-error.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { AlternatesError, alternateDirectories } from "./alternate-directories.ts";
import { joinPieces } from "./join-pieces.ts";
import { snapshotConfig } from "./snapshot-config.ts";
import { SnapshotFiles } from "./snapshot-files.ts";
import { TAR_END } from "./tar-header.ts";

type Needs = { readonly locator: RepositoryLocator };
type GetSnapshot = Handler<typeof RepositoryService.method.getSnapshot>;

/**
 * Streams a repository's files as a tar archive: its references, its objects and those that it
 * borrows, and what its configuration says about its format. Damaged ones can be copied like that.
 */
export function getSnapshot({ locator }: Needs): GetSnapshot {
  return async function* (request, { signal }) {
    const located = locateRepository(locator, request.repository);
    for await (const data of joinPieces(archive(located, signal))) yield { data };
  };
}

async function* archive(
  located: LocatedRepository,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const files = new SnapshotFiles(located.path, signal);
  try {
    yield* ownFiles(files, located);
  } catch (error) {
    throw failure("building snapshot failed", error, signal);
  }
  try {
    const alternates = await alternateDirectories(located.path, located.storagePath);
    for (const directory of alternates) yield* files.objects(directory);
  } catch (error) {
    // An archive that lacks borrowed objects, and its end, is what clients get here.
    if (error instanceof AlternatesError) return;
    throw failure("add alternates: walking alternates file", error, signal);
  }
  yield files.end();
  yield TAR_END;
}

function failure(doing: string, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  return internal(`${doing}: ${systemErrorText(error)}`, { cause: error });
}

async function* ownFiles(
  files: SnapshotFiles,
  { path }: LocatedRepository,
): AsyncGenerator<Buffer, void, undefined> {
  yield* files.file("HEAD");
  yield* files.file("packed-refs");
  yield* files.edited("config", snapshotConfig);
  for (const folder of ["refs", "reftable", "branches"]) yield* files.directory(folder);
  yield* files.objects(`${binaryFromText(path)}/objects`);
  yield* files.file("shallow");
}
