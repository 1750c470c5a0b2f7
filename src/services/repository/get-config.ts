import { createReadStream } from "node:fs";
import { join } from "node:path";
import { isMissing, systemErrorText } from "../../base/error/system-error-text.ts";
import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, notFound } from "../../rpc/rpc-error.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { locateRepository } from "../common/locate-repository.ts";

type Needs = { readonly locator: RepositoryLocator };
type GetConfig = Handler<typeof RepositoryService.method.getConfig>;

/** Bytes of each reply but the last. */
const CHUNK_BYTES = 32 * 1024;

/** Streams the repository's own git configuration file as it is. */
export function getConfig({ locator }: Needs): GetConfig {
  return async function* ({ repository }, { signal }) {
    const path = join(locateRepository(locator, repository).path, "config");
    try {
      const chunks = createReadStream(path, { signal, highWaterMark: CHUNK_BYTES });
      for await (const data of chunks as AsyncIterable<Buffer>) yield { data };
    } catch (error) {
      if (signal.aborted) throw error;
      const message = `opening gitconfig: ${systemErrorText(error)}`;
      throw isMissing(error)
        ? notFound(message, { cause: error })
        : internal(message, { cause: error });
    }
  };
}
