import type { RepositoryService } from "../../proto/repository_pb.ts";
import { ObjectFormat } from "../../proto/shared_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { readObjectFormat } from "../../storage/repository/object-format.ts";
import { locateRepository } from "../common/locate-repository.ts";

type Needs = { readonly locator: RepositoryLocator };
type GetObjectFormat = Handler<typeof RepositoryService.method.objectFormat>;

const FORMATS = { sha1: ObjectFormat.SHA1, sha256: ObjectFormat.SHA256 } as const;

/** Says how a repository names its objects. */
export function objectFormat({ locator }: Needs): GetObjectFormat {
  return async ({ repository }) => {
    const { path } = locateRepository(locator, repository);
    try {
      return { format: FORMATS[readObjectFormat(path)] };
    } catch (error) {
      throw wrapError("internal", "detecting object hash", error);
    }
  };
}
