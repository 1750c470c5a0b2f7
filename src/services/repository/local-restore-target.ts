import type { Logger } from "../../base/log/logger.ts";
import { type ObjectFormat, zeroOid } from "../../git/oid/oid.ts";
import { binaryFromText } from "../../git/ref/binary-string.ts";
import type { GitFlag } from "../../gitcmd/git-command.ts";
import type { Call } from "../../rpc/call.ts";
import { inStage } from "../../storage/backup/backup-stage.ts";
import type { BackedUpReference } from "../../storage/backup/reference-list.ts";
import type { RestoreTarget } from "../../storage/backup/restore-target.ts";
import { checkHooksArchive } from "../../storage/custom-hooks/check-hooks-archive.ts";
import { RepositoryNotFoundError } from "../../storage/locator/locator-errors.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import {
  NothingToRemoveError,
  removeRepository,
} from "../../storage/repository/remove-repository.ts";
import { receiveBundle } from "../common/bundle.ts";
import { startReferenceChange } from "../common/change-references.ts";
import { type CreateNeeds, createRepository } from "../common/create-repository.ts";
import { type GitCall, gitCall } from "../common/git-call.ts";
import { type OpenedRepository, openLocated } from "../common/open-repository.ts";
import { type FetchBundleNeeds, mirrorBundle } from "./fetch-bundle.ts";
import { setHooks } from "./install-custom-hooks.ts";

export type RestoreNeeds = FetchBundleNeeds & CreateNeeds & { readonly logger: Logger };

const SET_HOOKS = "set custom hooks";

/** A repository of this server, as a backup changes it. */
export class LocalRestoreTarget implements RestoreTarget {
  readonly storageName: string;
  readonly relativePath: string;
  readonly #needs: RestoreNeeds;
  readonly #place: LocatedRepository;
  readonly #call: Call;
  readonly #git: GitCall;

  constructor(needs: RestoreNeeds, place: LocatedRepository, call: Call) {
    this.#needs = needs;
    this.#place = place;
    this.#call = call;
    this.#git = gitCall(call);
    this.storageName = place.storageName;
    this.relativePath = place.relativePath;
  }

  async exists(): Promise<boolean> {
    try {
      this.#needs.locator.locate(this.#place);
      return true;
    } catch (error) {
      if (error instanceof RepositoryNotFoundError) return false;
      throw error;
    }
  }

  async remove(): Promise<void> {
    await this.#do("remove", async () => {
      try {
        await removeRepository(this.#needs.locator, this.#place);
        this.#needs.repositoryCounter.decrement(this.#place);
      } catch (error) {
        if (!(error instanceof NothingToRemoveError)) throw error;
      }
    });
  }

  async create(format: ObjectFormat, branch: string | undefined): Promise<void> {
    const initFlags: GitFlag[] = [["--object-format", format]];
    if (branch !== undefined) initFlags.unshift(["--initial-branch", branch]);
    const creation = { initFlags, options: this.#git };
    await this.#do("create", () =>
      createRepository(this.#needs, this.#place, creation, this.#call),
    );
  }

  async fetchBundle(pieces: AsyncIterable<Uint8Array>, updateHead: boolean): Promise<void> {
    const { locator } = this.#needs;
    const { signal } = this.#call;
    await this.#do("fetch bundle", async () => {
      await using bundle = await receiveBundle(locator, this.storageName, pieces, signal);
      const mirroring = { call: this.#call, options: this.#git, updateHead };
      await mirrorBundle(this.#needs, this.#place, bundle, mirroring);
    });
  }

  /**
   * A reference may have been written down whose object was gone when its bundle was made: with
   * `knownOnly`, the others then stay as they are.
   */
  async resetReferences(
    references: readonly BackedUpReference[],
    { knownOnly }: { readonly knownOnly: boolean },
  ): Promise<void> {
    const repository = this.#open();
    const { removals, updates } = differences(repository, references);
    if (!knownOnly) {
      await this.#update(repository, [...removals, ...updates]);
      return;
    }
    await inStage("remove refs", this.#call.signal, () => this.#update(repository, removals));
    try {
      await this.#update(repository, updates);
    } catch (error) {
      this.#call.signal.throwIfAborted();
      this.#needs.logger.warn("references of the backup can't be restored", { error });
    }
  }

  async setHead(reference: string): Promise<void> {
    const change = { noDeref: true, git: this.#git };
    const repository = this.#open();
    await using transaction = await startReferenceChange(
      this.#needs,
      repository,
      this.#call,
      change,
    );
    await transaction.updateSymbolic("HEAD", binaryFromText(reference));
    await transaction.commit();
  }

  async checkCustomHooks(archive: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#do(SET_HOOKS, () => checkHooksArchive(archive, this.#call.signal));
  }

  async setCustomHooks(archive: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#do(SET_HOOKS, () => setHooks(this.#needs, this.#place, archive, this.#call));
  }

  #open(): OpenedRepository {
    return openLocated(this.#needs, this.#needs.locator.locate(this.#place), this.#call);
  }

  async #update(
    repository: OpenedRepository,
    updates: readonly BackedUpReference[],
  ): Promise<void> {
    if (updates.length === 0) return;
    const change = { git: this.#git };
    await using transaction = await startReferenceChange(
      this.#needs,
      repository,
      this.#call,
      change,
    );
    for (const { name, oid } of updates) await transaction.update(name, oid);
    await transaction.commit();
  }

  #do<Result>(doing: string, step: () => Promise<Result>): Promise<Result> {
    return inStage(`local repository: ${doing}`, this.#call.signal, step);
  }
}

interface Differences {
  readonly removals: readonly BackedUpReference[];
  readonly updates: readonly BackedUpReference[];
}

function differences(
  { refs, objects }: OpenedRepository,
  wanted: readonly BackedUpReference[],
): Differences {
  const zero = zeroOid(objects.format);
  const names = new Set(wanted.map(({ name }) => name));
  const existing = new Map<string, string>();
  const removals: BackedUpReference[] = [];
  for (const { name, oid } of refs.list()) {
    existing.set(name, oid);
    if (!names.has(name)) removals.push({ name, oid: zero });
  }
  return { removals, updates: wanted.filter(({ name, oid }) => existing.get(name) !== oid) };
}
