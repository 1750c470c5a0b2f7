import { DomainError } from "../../base/error/domain-error.ts";
import type { ObjectFormat } from "../../git/oid/oid.ts";
import type { BackupSource } from "../../storage/backup/create-backup.ts";
import type { BackedUpReference } from "../../storage/backup/reference-list.ts";
import type { RemoteRepository } from "./remote-repository.ts";

/** Lines of patterns are sent in messages of about this size. */
const PATTERN_BYTES = 64 << 10;

/** A repository on a server, as it is read for a backup. */
export class RemoteBackupSource implements BackupSource {
  readonly #remote: RemoteRepository;

  constructor(remote: RemoteRepository) {
    this.#remote = remote;
  }

  async objectFormat(): Promise<ObjectFormat | undefined> {
    try {
      return await this.#remote.objectFormat();
    } catch (error) {
      if (error instanceof DomainError && error.kind === "not-found") return undefined;
      throw error;
    }
  }

  async headReference(): Promise<string> {
    const { address: repository, options, refs } = this.#remote;
    const { name } = await this.#remote.call("remote repository: head reference", () =>
      refs.findDefaultBranchName({ repository, headOnly: true }, options),
    );
    return Buffer.from(name).toString("latin1");
  }

  references(): AsyncIterable<BackedUpReference> {
    return this.#remote.stream("ref iterator", this.#remote.references());
  }

  async *bundle(
    patterns: AsyncIterable<Uint8Array> | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { address: repository, options, repositories } = this.#remote;
    const replies: AsyncIterable<{ readonly data: Uint8Array }> =
      patterns === undefined
        ? repositories.createBundle({ repository }, options)
        : repositories.createBundleFromRefList(this.#requests(patterns), options);
    const part = patterns === undefined ? "" : " patterns: recv";
    const doing = `remote repository: create bundle${part}`;
    try {
      for await (const { data } of this.#remote.stream(doing, replies)) yield data;
    } catch (error) {
      // There is nothing to put into it.
      if (error instanceof DomainError && error.kind === "failed-precondition") return;
      throw error;
    }
  }

  async *customHooks(): AsyncGenerator<Uint8Array, void, undefined> {
    const { address: repository, options, repositories } = this.#remote;
    const replies = repositories.getCustomHooks({ repository }, options);
    const doing = "remote repository: get custom hooks";
    for await (const { data } of this.#remote.stream(doing, replies)) yield data;
  }

  async *#requests(
    patterns: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<{ repository: RemoteRepository["address"]; patterns: Uint8Array[] }> {
    const repository = this.#remote.address;
    let batch: Uint8Array[] = [];
    let size = 0;
    for await (const line of patterns) {
      batch.push(line.subarray(0, line.length - 1));
      size += line.length;
      if (size < PATTERN_BYTES) continue;
      yield { repository, patterns: batch };
      batch = [];
      size = 0;
    }
    if (batch.length > 0) yield { repository, patterns: batch };
  }
}
