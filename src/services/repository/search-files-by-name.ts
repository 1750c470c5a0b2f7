import { RE2JS, RE2JSSyntaxException } from "re2js";
import { NulFields } from "../../git/diff/nul-fields.ts";
import { binaryFromBytes, bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";
import type { GitCommand } from "../../gitcmd/git-command.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { RepositoryService, SearchFilesByNameRequest } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument } from "../../rpc/rpc-error.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { startFailure } from "../common/start-failure.ts";
import { checkSearch } from "./search-request.ts";

type Needs = { readonly locator: RepositoryLocator; readonly git: GitRunner };
type SearchFilesByName = Handler<typeof RepositoryService.method.searchFilesByName>;

/** Bytes of a filter at most. */
const FILTER_BYTES_MAX = 1000;

/** Lists the files of a revision that are at a path or below it, those whose names match a filter. */
export function searchFilesByName({ locator, git }: Needs): SearchFilesByName {
  return async function* (request, call) {
    const located = locateRepository(locator, request.repository);
    checkSearch(request);
    const filter = compileFilter(request.filter);
    const found = new FoundFiles(filter, request);
    try {
      const output = git.stream(located, listCommand(request), gitCall(call));
      for await (const chunk of output) if (found.push(chunk) === "full") break;
    } catch (error) {
      // An unknown revision has no files, as far as clients can see.
      if (!(error instanceof GitExitError)) {
        throw startFailure("internal", "cmd start failed", error);
      }
    }
    yield { files: found.files };
  };
}

function listCommand({ ref, query }: SearchFilesByNameRequest): GitCommand {
  return {
    name: "ls-tree",
    flags: ["--full-tree", "--name-status", "-r", "-z"],
    args: [textFromBinary(binaryFromBytes(ref))],
    paths: [query],
  };
}

/** Filters come from users, so they must not take more than linear time: no RegExp here. */
function compileFilter(filter: string): RE2JS | undefined {
  if (filter === "") return undefined;
  if (Buffer.byteLength(filter) > FILTER_BYTES_MAX) {
    throw invalidArgument("filter exceeds maximum length");
  }
  try {
    return RE2JS.compile(filter);
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    const where = error.message.includes("`") ? "" : ": ``";
    throw invalidArgument(`filter did not compile: ${error.message}${where}`, { cause: error });
  }
}

/** Chooses files out of what `git ls-tree -z` prints. */
class FoundFiles {
  readonly files: Buffer[] = [];
  readonly #fields = new NulFields();
  readonly #filter: RE2JS | undefined;
  readonly #offset: number;
  readonly #limit: number;
  #matches = 0;

  /** @param page a limit of 0 is none */
  constructor(
    filter: RE2JS | undefined,
    page: { readonly offset: number; readonly limit: number },
  ) {
    this.#filter = filter;
    this.#offset = page.offset;
    this.#limit = page.limit === 0 ? Number.POSITIVE_INFINITY : page.limit;
  }

  push(chunk: Buffer): "full" | "more" {
    for (const field of this.#fields.push(chunk)) {
      const path = bytesFromBinary(field);
      if (this.#filter !== undefined && !this.#filter.matcher(path).find()) continue;
      if (++this.#matches > this.#offset) this.files.push(path);
      if (this.files.length >= this.#limit) return "full";
    }
    return "more";
  }
}
