import type { AccessCaller } from "../hooks/access/access-check.ts";
import { apiError } from "./api-error.ts";
import { ApiRequests, type ApiRequestsOptions } from "./api-requests.ts";

/** What GitLab keeps for Git LFS. Closing it closes its connections. */
export class LfsObjects implements AsyncDisposable {
  readonly #requests: ApiRequests;

  /** Reads the secret and certificates. Throws an ApiError when the settings can't be used. */
  constructor(options: ApiRequestsOptions) {
    this.#requests = new ApiRequests(options);
  }

  /**
   * Opens an object of a repository; undefined when GitLab has nothing to give.
   *
   * Rejects with an ApiError when GitLab refuses or can't be asked.
   *
   * @param oid the SHA-256 of the content in hexadecimal
   */
  async open(
    oid: string,
    glRepository: string,
    caller: AccessCaller,
  ): Promise<AsyncIterable<Buffer> | undefined> {
    const query = new URLSearchParams({ gl_repository: glRepository, oid });
    const { status, body } = await this.#requests
      .open({ endpoint: `/lfs?${query.toString()}` }, caller)
      .catch((error: unknown) => {
        caller.signal.throwIfAborted();
        throw apiError("error loading LFS object", error);
      });
    if (status === 200) return body;
    for await (const _ of body);
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#requests.close();
  }
}
