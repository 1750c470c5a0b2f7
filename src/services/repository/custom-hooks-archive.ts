import { systemErrorText } from "../../base/error/system-error-text.ts";
import { internal } from "../../rpc/rpc-error.ts";
import { CUSTOM_HOOKS_FOLDER } from "../../storage/custom-hooks/replace-custom-hooks.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { joinPieces } from "./join-pieces.ts";
import { SnapshotFiles } from "./snapshot-files.ts";
import { TAR_END } from "./tar-header.ts";

/** A repository's own hooks as a tar archive, in pieces for replies; none when it has no hooks. */
export async function* customHooksArchive(
  { path }: LocatedRepository,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* joinPieces(archive(new SnapshotFiles(path, signal, true)));
  } catch (error) {
    signal.throwIfAborted();
    const doing = "reading custom hooks: archiving hooks: write tarball";
    throw internal(`${doing}: ${systemErrorText(error)}`, { cause: error });
  }
}

async function* archive(files: SnapshotFiles): AsyncGenerator<Buffer, void, undefined> {
  let isEmpty = true;
  for await (const piece of files.directory(CUSTOM_HOOKS_FOLDER)) {
    isEmpty = false;
    yield piece;
  }
  if (isEmpty) return;
  yield files.end();
  yield TAR_END;
}
