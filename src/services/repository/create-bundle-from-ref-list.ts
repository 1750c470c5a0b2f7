import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type {
  CreateBundleFromRefListRequest,
  RepositoryService,
} from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition } from "../../rpc/rpc-error.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { bundleReferences, EmptyBundleError, prepareBundle } from "../common/bundle.ts";
import { takeFirst } from "../common/first-request.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";

type Needs = { readonly locator: RepositoryLocator; readonly git: GitRunner };
type CreateBundleFromRefList = Handler<typeof RepositoryService.method.createBundleFromRefList>;

/** Streams a bundle of the references that the client names; those that don't exist don't count. */
export function createBundleFromRefList({ locator, git }: Needs): CreateBundleFromRefList {
  return async function* (requests, call) {
    const { first, rest } = await takeFirst(requests);
    const located = locateRepository(locator, first.repository);
    await prepareBundle(git, located, call);
    const patterns = patternLines(first, rest);
    try {
      for await (const data of bundleReferences(git, located, gitCall(call), patterns)) {
        yield { data };
      }
    } catch (error) {
      if (!(error instanceof EmptyBundleError)) throw error;
      throw failedPrecondition(error.message, { cause: error });
    }
  };
}

async function* patternLines(
  first: CreateBundleFromRefListRequest,
  rest: AsyncIterable<CreateBundleFromRefListRequest>,
): AsyncGenerator<Buffer, void, undefined> {
  yield lines(first);
  for await (const request of rest) yield lines(request);
}

const NEWLINE = Buffer.from("\n");

function lines({ patterns }: CreateBundleFromRefListRequest): Buffer {
  // As the reference server does, which ends even an empty list with a newline.
  if (patterns.length === 0) return NEWLINE;
  return Buffer.concat(patterns.flatMap((pattern) => [pattern, NEWLINE]));
}
