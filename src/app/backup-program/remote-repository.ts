import { DomainError } from "../../base/error/domain-error.ts";
import { type ObjectFormat, parseOid } from "../../git/oid/oid.ts";
import { RefService } from "../../proto/ref_pb.ts";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { ObjectFormat as WireFormat } from "../../proto/shared_pb.ts";
import type { CallOptions } from "../../rpc/client/call-options.ts";
import type { Channel } from "../../rpc/client/channel.ts";
import { type Client, createClient } from "../../rpc/client/client.ts";
import type { BackedUpReference } from "../../storage/backup/reference-list.ts";
import { callFailureText } from "../call-failure-text.ts";
import type { RemoteAddress } from "./backup-operator.ts";

/** A repository on a server, and what backing it up and restoring it have in common. */
export class RemoteRepository {
  readonly address: RemoteAddress;
  readonly options: CallOptions & { readonly signal: AbortSignal };
  readonly refs: Client<typeof RefService>;
  readonly repositories: Client<typeof RepositoryService>;

  constructor(address: RemoteAddress, channel: Channel, signal: AbortSignal) {
    this.address = address;
    this.options = { signal };
    this.refs = createClient(RefService, channel);
    this.repositories = createClient(RepositoryService, channel);
  }

  async objectFormat(): Promise<ObjectFormat> {
    const { address: repository, options } = this;
    const { format } = await this.call("remote repository: object hash", () =>
      this.repositories.objectFormat({ repository }, options),
    );
    return format === WireFormat.SHA256 ? "sha256" : "sha1";
  }

  /** HEAD, when it leads to an object, and all other references. */
  async *references(): AsyncGenerator<BackedUpReference, void, undefined> {
    const request = { repository: this.address, head: true, patterns: [Buffer.from("refs/")] };
    try {
      for await (const { references } of this.refs.listRefs(request, this.options)) {
        for (const { name, target } of references) {
          const oid = parseOid(target);
          if (oid === undefined) throw new DomainError("internal", "invalid object ID");
          yield { name: Buffer.from(name).toString("latin1"), oid };
        }
      }
    } catch (error) {
      throw this.#failure("refill buffer: stream recv", error);
    }
  }

  /** Makes a call; its failure says what was being done. */
  async call<Result>(doing: string, step: () => Promise<Result>): Promise<Result> {
    try {
      return await step();
    } catch (error) {
      throw this.#failure(doing, error);
    }
  }

  /** Passes on what a call streams, see `call`. */
  async *stream<Item>(
    doing: string,
    items: AsyncIterable<Item>,
  ): AsyncGenerator<Item, void, undefined> {
    try {
      yield* items;
    } catch (error) {
      throw this.#failure(doing, error);
    }
  }

  #failure(doing: string, error: unknown): DomainError {
    this.options.signal.throwIfAborted();
    const kind = error instanceof DomainError ? error.kind : "unknown";
    return new DomainError(kind, `${doing}: ${callFailureText(error)}`, { cause: error });
  }
}
