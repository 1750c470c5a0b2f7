import type {
  CreateRepositoryFromSnapshotRequest,
  RepositoryService,
} from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { extractTar } from "../../storage/archive/extract-tar.ts";
import { TarError } from "../../storage/archive/tar-reader.ts";
import { type CreateNeeds, createRepository } from "../common/create-repository.ts";
import { gitCall } from "../common/git-call.ts";
import { placeRepository } from "../common/locate-repository.ts";
import { downloadSnapshot } from "./download-snapshot.ts";

type CreateFromSnapshot = Handler<typeof RepositoryService.method.createRepositoryFromSnapshot>;

/** Makes a repository of the files in a tar archive, see GetSnapshot, which is downloaded. */
export function createRepositoryFromSnapshot(needs: CreateNeeds): CreateFromSnapshot {
  return async (request, call) => {
    const target = placeRepository(needs.locator, request.repository);
    const creation = {
      // The archive lacks what every repository has alike.
      initFlags: [],
      seed: ({ path }: { readonly path: string }) => unpack(request, path, call.signal),
      options: gitCall(call),
    };
    try {
      await createRepository(needs, target, creation, call);
    } catch (error) {
      throw wrapError("internal", "creating repository", error);
    }
    return {};
  };
}

async function unpack(
  request: CreateRepositoryFromSnapshotRequest,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await extractTar(notEmpty(downloadSnapshot(request, signal)), path, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw wrapError(
      "internal",
      "extracting snapshot",
      error instanceof TarError ? refused(error) : error,
    );
  }
}

/** No archive is empty: even without entries it has an end. */
async function* notEmpty(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let isEmpty = true;
  for await (const chunk of source) {
    isEmpty &&= chunk.length === 0;
    yield chunk;
  }
  if (isEmpty) throw new TarError("archive is empty");
}

/** Clients know what the reference server's unpacking program ends with. */
function refused(cause: TarError): RpcError {
  return new RpcError("unknown", "exit status 2", { cause, metadata: { stderr: cause.message } });
}
