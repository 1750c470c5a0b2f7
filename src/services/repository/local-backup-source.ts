import type { ObjectFormat } from "../../git/oid/oid.ts";
import { HEAD } from "../../git/ref/ref-name.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { Call } from "../../rpc/call.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { inStage } from "../../storage/backup/backup-stage.ts";
import type { BackupSource } from "../../storage/backup/create-backup.ts";
import type { BackedUpReference } from "../../storage/backup/reference-list.ts";
import { RepositoryNotFoundError } from "../../storage/locator/locator-errors.ts";
import type { RepositoryAddress } from "../../storage/locator/repository-locator.ts";
import { bundleReferences, EmptyBundleError } from "../common/bundle.ts";
import { headTarget } from "../common/default-branch.ts";
import { type GitCall, gitCall } from "../common/git-call.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { customHooksArchive } from "./custom-hooks-archive.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };

/** A repository of this server, as it is read for a backup. */
export class LocalBackupSource implements BackupSource {
  readonly #needs: Needs;
  readonly #address: RepositoryAddress | undefined;
  readonly #call: Call;
  readonly #git: GitCall;
  #opened: OpenedRepository | undefined;

  constructor(needs: Needs, address: RepositoryAddress | undefined, call: Call) {
    this.#needs = needs;
    this.#address = address;
    this.#call = call;
    this.#git = gitCall(call);
  }

  async objectFormat(): Promise<ObjectFormat | undefined> {
    return this.#do("object hash", () => {
      try {
        return this.#repository().objects.format;
      } catch (error) {
        if (error instanceof RepositoryNotFoundError) return undefined;
        throw wrapError("failed-precondition", "get repo path", error);
      }
    });
  }

  async headReference(): Promise<string> {
    return this.#do("head reference", () => headTarget(this.#repository().refs));
  }

  *references(): Generator<BackedUpReference, void, undefined> {
    const { refs } = this.#repository();
    const head = refs.findOid(HEAD);
    if (head !== undefined) yield { name: HEAD, oid: head };
    yield* refs.list();
  }

  async *bundle(
    patterns: AsyncIterable<Uint8Array> | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { located } = this.#repository();
    try {
      yield* bundleReferences(this.#needs.git, located, this.#git, patterns);
    } catch (error) {
      if (!(error instanceof EmptyBundleError)) throw error;
    }
  }

  customHooks(): AsyncIterable<Uint8Array> {
    return customHooksArchive(this.#repository().located, this.#call.signal);
  }

  #repository(): OpenedRepository {
    const { locator } = this.#needs;
    this.#opened ??= openLocated(this.#needs, locator.locate(this.#address), this.#call);
    return this.#opened;
  }

  #do<Result>(doing: string, step: () => Result | Promise<Result>): Promise<Result> {
    return inStage(`local repository: ${doing}`, this.#call.signal, step);
  }
}
