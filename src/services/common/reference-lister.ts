import { DomainError } from "../../base/error/domain-error.ts";
import { UnadvertisableRefError } from "../../git/receive/push-advertisement.ts";
import type { RepositoryCache } from "../../git/repository/repository-cache.ts";
import { listedReferences } from "../../git/upload/listed-references.ts";
import { type LsRefsRequest, LsRefsRequestParser } from "../../git/upload/ls-refs-request.ts";
import type { ConfigPair } from "../../gitcmd/git-command.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import type { ClientInput } from "./client-input.ts";
import { KeptReferences } from "./kept-references.ts";
import { openForUpload } from "./open-for-upload.ts";

interface Needs {
  readonly git: GitRunner;
  readonly repositories: RepositoryCache;
}

/** Bytes of a request that are looked at before it is left to git. */
const REQUEST_BYTES_MAX = 64 * 1024;

/** Answers the question for references of version 2 of the protocol without git. */
export class ReferenceLister {
  readonly #needs: Needs;
  readonly #kept = new KeptReferences();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /**
   * Reads a request and answers it, if that is what it asks; "end" when the client asks nothing more.
   * Undefined when git has to serve it, from the start of the input, and when the signal is aborted.
   *
   * @param options the request's own settings
   */
  async answer(
    located: LocatedRepository,
    options: readonly ConfigPair[],
    input: ClientInput,
    signal: AbortSignal,
  ): Promise<readonly Buffer[] | "end" | undefined> {
    const request = await readRequest(input, signal);
    if (request === undefined || request === "end") return request;
    try {
      const fetchable = openForUpload(this.#needs, located, options);
      if (fetchable?.repository.objectFormat !== request.objectFormat) return undefined;
      const { repository, settings } = fetchable;
      const make = () => listedReferences(repository, settings.hiddenRefs, request);
      return await this.#kept.find(repository, JSON.stringify([request, options]), make);
    } catch (error) {
      if (error instanceof UnadvertisableRefError || error instanceof DomainError) return undefined;
      throw error;
    }
  }
}

/** Undefined for another request, for one that ends too early, and when the signal is aborted. */
async function readRequest(
  input: ClientInput,
  signal: AbortSignal,
): Promise<LsRefsRequest | "end" | undefined> {
  if (signal.aborted) return undefined;
  const aborted = Promise.withResolvers<undefined>();
  const onAbort = (): void => aborted.resolve(undefined);
  signal.addEventListener("abort", onAbort);
  try {
    const parser = new LsRefsRequestParser();
    for (let bytes = 0; bytes < REQUEST_BYTES_MAX; ) {
      const chunk = await Promise.race([input.next(), aborted.promise]);
      if (chunk === undefined) return bytes === 0 && !signal.aborted ? "end" : undefined;
      bytes += chunk.length;
      const state = parser.push(chunk);
      if (state === "unusual") return undefined;
      if (state !== "incomplete") return state;
    }
    return undefined;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
