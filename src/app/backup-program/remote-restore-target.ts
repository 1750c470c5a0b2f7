import { DomainError } from "../../base/error/domain-error.ts";
import { type ObjectFormat, zeroOid } from "../../git/oid/oid.ts";
import { HEAD } from "../../git/ref/ref-name.ts";
import { ObjectFormat as WireFormat } from "../../proto/shared_pb.ts";
import { inStage } from "../../storage/backup/backup-stage.ts";
import type { BackedUpReference } from "../../storage/backup/reference-list.ts";
import type { RestoreTarget } from "../../storage/backup/restore-target.ts";
import { checkHooksArchive } from "../../storage/custom-hooks/check-hooks-archive.ts";
import type { RemoteAddress } from "./backup-operator.ts";
import type { RemoteRepository } from "./remote-repository.ts";

const SET_HOOKS = "remote repository: set custom hooks";

/** Updates that go into one message. */
const UPDATES_PER_MESSAGE = 500;

/** A repository on a server, as a backup changes it. */
export class RemoteRestoreTarget implements RestoreTarget {
  readonly storageName: string;
  readonly relativePath: string;
  readonly #remote: RemoteRepository;

  constructor(remote: RemoteRepository) {
    this.#remote = remote;
    this.storageName = remote.address.storageName;
    this.relativePath = remote.address.relativePath;
  }

  async exists(): Promise<boolean> {
    try {
      await this.#remote.objectFormat();
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      const { signal } = this.#remote.options;
      return inStage("check repository existence", signal, () => {
        throw error;
      });
    }
  }

  async remove(): Promise<void> {
    const { address: repository, options, repositories } = this.#remote;
    try {
      await this.#remote.call("remote repository: remove", () =>
        repositories.removeRepository({ repository }, options),
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async create(format: ObjectFormat, branch: string | undefined): Promise<void> {
    const { address: repository, options, repositories } = this.#remote;
    const objectFormat = format === "sha256" ? WireFormat.SHA256 : WireFormat.SHA1;
    const request = { repository, objectFormat, defaultBranch: Buffer.from(branch ?? "") };
    await this.#remote.call("remote repository: create", () =>
      repositories.createRepository(request, options),
    );
  }

  async fetchBundle(pieces: AsyncIterable<Uint8Array>, updateHead: boolean): Promise<void> {
    const { address: repository, options, repositories } = this.#remote;
    await this.#remote.call("remote repository: fetch bundle", () =>
      repositories.fetchBundle(parts({ repository, updateHead }, pieces), options),
    );
  }

  async resetReferences(
    references: readonly BackedUpReference[],
    { knownOnly }: { readonly knownOnly: boolean },
  ): Promise<void> {
    const { removals, updates } = await this.#differences(references);
    const { signal } = this.#remote.options;
    if (!knownOnly) {
      await inStage("update refs", signal, () => this.#update([...removals, ...updates]));
      return;
    }
    await inStage("remove refs", signal, () => this.#update(removals));
    try {
      await this.#update(updates);
    } catch {
      // An object may have been gone before its bundle was made; bundles have set what they hold.
      signal.throwIfAborted();
    }
  }

  async setHead(reference: string): Promise<void> {
    const { address: repository, options, repositories } = this.#remote;
    const request = { repository, ref: Buffer.from(HEAD), revision: Buffer.from(reference) };
    await this.#remote.call("write HEAD ref", () => repositories.writeRef(request, options));
  }

  async checkCustomHooks(archive: AsyncIterable<Uint8Array>): Promise<void> {
    const { signal } = this.#remote.options;
    await inStage(SET_HOOKS, signal, () => checkHooksArchive(archive, signal));
  }

  async setCustomHooks(archive: AsyncIterable<Uint8Array>): Promise<void> {
    const { address: repository, options, repositories } = this.#remote;
    await this.#remote.call(SET_HOOKS, () =>
      repositories.setCustomHooks(parts({ repository }, archive), options),
    );
  }

  async #differences(wanted: readonly BackedUpReference[]): Promise<{
    readonly removals: readonly BackedUpReference[];
    readonly updates: readonly BackedUpReference[];
  }> {
    const { signal } = this.#remote.options;
    const names = new Set(wanted.map(({ name }) => name));
    const existing = new Map<string, string>();
    await inStage("list refs", signal, async () => {
      for await (const { name, oid } of this.#remote.references()) existing.set(name, oid);
    });
    const format = await inStage("object hash", signal, () => this.#remote.objectFormat());
    const removed = [...existing.keys()].filter((name) => name !== HEAD && !names.has(name));
    return {
      removals: removed.map((name) => ({ name, oid: zeroOid(format) })),
      updates: wanted.filter(({ name, oid }) => existing.get(name) !== oid),
    };
  }

  async #update(updates: readonly BackedUpReference[]): Promise<void> {
    if (updates.length === 0) return;
    const { address, options, refs } = this.#remote;
    await this.#remote.call("close stream", () =>
      refs.updateReferences(updateRequests(address, updates), options),
    );
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof DomainError && error.kind === "not-found";
}

async function* parts<First extends { readonly repository: RemoteAddress }>(
  first: First,
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ data: Uint8Array } | (First & { data: Uint8Array })> {
  let isFirst = true;
  for await (const data of pieces) {
    yield isFirst ? { ...first, data } : { data };
    isFirst = false;
  }
  if (isFirst) yield { ...first, data: new Uint8Array() };
}

function* updateRequests(
  repository: RemoteAddress,
  references: readonly BackedUpReference[],
): Generator<{
  repository?: RemoteAddress;
  updates: { reference: Uint8Array; newObjectId: Uint8Array }[];
}> {
  for (let start = 0; start < references.length; start += UPDATES_PER_MESSAGE) {
    const batch = references.slice(start, start + UPDATES_PER_MESSAGE);
    const updates = batch.map(({ name, oid }) => ({
      reference: Buffer.from(name, "latin1"),
      newObjectId: Buffer.from(oid),
    }));
    yield start === 0 ? { repository, updates } : { updates };
  }
}
