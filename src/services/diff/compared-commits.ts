import { invalidArgument } from "../../rpc/rpc-error.ts";
import type {
  LocatedRepository,
  RepositoryAddress,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { locateRepository } from "../common/locate-repository.ts";

interface CommitsRequest {
  readonly repository?: RepositoryAddress | undefined;
  readonly leftCommitId: string;
  readonly rightCommitId: string;
}

/** Checks a request that compares two commits, and finds its repository. */
export function locateCompared(
  locator: RepositoryLocator,
  request: CommitsRequest,
): LocatedRepository {
  const located = locateRepository(locator, request.repository);
  if (request.leftCommitId === "") throw invalidArgument("empty LeftCommitId");
  if (request.rightCommitId === "") throw invalidArgument("empty RightCommitId");
  return located;
}
