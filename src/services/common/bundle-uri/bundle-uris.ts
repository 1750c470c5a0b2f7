import { posix } from "node:path";
import { CommandUsage } from "../../../gitcmd/command-usage.ts";
import type { ConfigPair } from "../../../gitcmd/git-command.ts";
import type { Call } from "../../../rpc/call.ts";
import type { LocatedRepository } from "../../../storage/locator/repository-locator.ts";
import { featureFlags } from "../feature-flags.ts";
import { gitCall } from "../git-call.ts";
import { BUNDLE_ID, bundleUriConfig, NO_BUNDLE_URI } from "../upload-pack-config.ts";
import { BundleMaker, type BundleMakerNeeds } from "./bundle-maker.ts";
import { FetchFrequency } from "./fetch-frequency.ts";

/** Five fetches within a minute make a bundle worth it, once a day. */
const FREQUENCY = { threshold: 5, intervalMs: 60_000, bundleAgeMs: 24 * 3_600_000 };

/** Bundles for which fetches have asked: those that are made at once, and those that wait. */
const GENERATIONS_MAX = 5;
const WAITING_MAX = 1;

/** How long a client has time to begin its download. */
const URL_LIFETIME_MS = 10 * 60_000;

/**
 * Makes bundles of default branches and tells clients that fetch where to download them
 * (gitprotocol-v2, "bundle-uri"). Disposing of it ends what is being made.
 */
export class BundleUris implements AsyncDisposable {
  readonly #needs: BundleMakerNeeds;
  readonly #maker: BundleMaker;
  readonly #frequency = new FetchFrequency(FREQUENCY);
  readonly #waiting: (() => Promise<void>)[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #ending = new AbortController();

  constructor(needs: BundleMakerNeeds) {
    this.#needs = needs;
    this.#maker = new BundleMaker(needs);
    const definition = {
      name: "gitaly_bundle_strategy_occurrence_state_len",
      help: "Repositories of which it is known how often they are fetched from.",
    };
    needs.metrics.computedGauge(definition, (emit) => emit({}, this.#frequency.size));
  }

  /**
   * Stores a bundle of the branch that HEAD names. It is made to its end even if the caller leaves.
   *
   * @throws RpcError
   */
  async generate(located: LocatedRepository, call: Call): Promise<void> {
    const options = { ...gitCall(call), signal: this.#ending.signal };
    await this.#maker.make(located, pathOf(located, call), options);
  }

  /** Takes note of a fetch; when there are many, a bundle begins to be made for the next ones. */
  noteFetch(located: LocatedRepository, call: Call): void {
    if (featureFlags(call.metadata).get("bundle_generation") !== true) return;
    const path = pathOf(located, call);
    if (this.#ending.signal.aborted || !this.#frequency.note(path, Date.now())) return;
    const { logger } = this.#needs;
    const fields = { gl_project_path: located.glProjectPath };
    if (this.#running.size >= GENERATIONS_MAX && this.#waiting.length >= WAITING_MAX) {
      logger.info("bundle-uri strategy: generate queue full; ignoring request", fields);
      this.#frequency.endBundling(path, undefined);
      return;
    }
    logger.info("bundle-uri strategy: request added to generate queue", fields);
    const { method } = call;
    const usage = new CommandUsage({ service: method.parent.typeName, method: method.name });
    this.#waiting.push(() => this.#generateForFetches(located, path, usage));
    this.#startWaiting();
  }

  /** What `git upload-pack` is told to tell clients. */
  async uploadPackConfig(located: LocatedRepository, call: Call): Promise<readonly ConfigPair[]> {
    if (featureFlags(call.metadata).get("bundle_uri") !== true) return NO_BUNDLE_URI;
    const { store, logger } = this.#needs;
    const path = pathOf(located, call);
    const { signal } = call;
    try {
      if (!(await store.exists(path, signal))) return NO_BUNDLE_URI;
      return bundleUriConfig(await store.signedUrl(path, URL_LIFETIME_MS, signal));
    } catch (error) {
      signal.throwIfAborted();
      // Clients can do without.
      logger.warn("no URL for a bundle", { gl_project_path: located.glProjectPath, error });
      return NO_BUNDLE_URI;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#waiting.length = 0;
    this.#ending.abort();
    await Promise.all(this.#running);
  }

  #startWaiting(): void {
    while (this.#running.size < GENERATIONS_MAX) {
      const generation = this.#waiting.shift()?.();
      if (generation === undefined) return;
      this.#running.add(generation);
      void generation.then(() => {
        this.#running.delete(generation);
        this.#startWaiting();
      });
    }
  }

  async #generateForFetches(
    located: LocatedRepository,
    path: string,
    usage: CommandUsage,
  ): Promise<void> {
    try {
      await this.#maker.make(located, path, { usage, signal: this.#ending.signal });
      this.#frequency.endBundling(path, Date.now());
    } catch (error) {
      this.#needs.logger.error("failed to generate bundle", { error });
      this.#frequency.endBundling(path, undefined);
    }
  }
}

/** Has git tell clients of a repository's bundle, where bundles are kept and there is one. */
export async function bundleUriOptions(
  bundleUris: BundleUris | undefined,
  located: LocatedRepository,
  call: Call,
): Promise<readonly ConfigPair[]> {
  return bundleUris === undefined ? NO_BUNDLE_URI : bundleUris.uploadPackConfig(located, call);
}

/** As `bundleUriOptions`, for a call that fetches. */
export async function fetchedBundleUriOptions(
  bundleUris: BundleUris | undefined,
  located: LocatedRepository,
  call: Call,
): Promise<readonly ConfigPair[]> {
  bundleUris?.noteFetch(located, call);
  return bundleUriOptions(bundleUris, located, call);
}

/** Where a repository's bundle is; nodes that keep copies of one repository share its bundle. */
function pathOf({ storageName, relativePath }: LocatedRepository, { metadata }: Call): string {
  const storage = metadata.get("virtual_storage") ?? storageName;
  return posix.join(storage, relativePath, "uri", `${BUNDLE_ID}.bundle`);
}
