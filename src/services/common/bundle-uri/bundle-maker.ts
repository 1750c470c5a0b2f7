import { DomainError } from "../../../base/error/domain-error.ts";
import { systemErrorText } from "../../../base/error/system-error-text.ts";
import type { Logger } from "../../../base/log/logger.ts";
import type { Counter } from "../../../base/metric/counter.ts";
import type { Histogram } from "../../../base/metric/histogram.ts";
import type { MetricRegistry } from "../../../base/metric/metric-registry.ts";
import { quoteBytes } from "../../../base/text/quote-bytes.ts";
import { bytesFromBinary } from "../../../git/ref/binary-string.ts";
import type { RefName } from "../../../git/ref/ref-name.ts";
import type { RepositoryCache } from "../../../git/repository/repository-cache.ts";
import type { GitRunner } from "../../../gitcmd/git-runner.ts";
import { failedPrecondition, internal, wrapError } from "../../../rpc/rpc-error.ts";
import { writeUnlessEmpty } from "../../../storage/backup/backup-sink.ts";
import type { BundleStore } from "../../../storage/bundle-uri/bundle-store.ts";
import type { LocatedRepository } from "../../../storage/locator/repository-locator.ts";
import { bundleReferences, EmptyBundleError } from "../bundle.ts";
import { headTarget } from "../default-branch.ts";
import type { GitCall } from "../git-call.ts";

export interface BundleMakerNeeds {
  readonly store: BundleStore;
  readonly git: GitRunner;
  readonly repositories: RepositoryCache;
  readonly metrics: MetricRegistry;
  readonly logger: Logger;
}

/** In seconds: 1 s, 30 s, 1 min, 5 min, 30 min, 1 h, 2 h, 5 h, 12 h, 24 h. */
const DURATION_BUCKETS = [1, 30, 60, 300, 1800, 3600, 7200, 18_000, 43_200, 86_400];

/** Makes and stores bundles of default branches. */
export class BundleMaker {
  readonly #needs: BundleMakerNeeds;
  readonly #seconds: Histogram<never>;
  readonly #bytes: Counter<never>;

  constructor(needs: BundleMakerNeeds) {
    this.#needs = needs;
    this.#seconds = needs.metrics.histogram({
      name: "gitaly_bundle_generation_seconds",
      help: "How long it took to make and store a bundle.",
      buckets: DURATION_BUCKETS,
    });
    this.#bytes = needs.metrics.counter({
      name: "gitaly_bundle_generation_bytes_total",
      help: "Bytes of bundles that were stored.",
    });
  }

  /**
   * Bundles the branch that HEAD names, with all of its history.
   *
   * @throws RpcError
   */
  async make(located: LocatedRepository, bundlePath: string, options: GitCall): Promise<void> {
    const fields = { gl_project_path: located.glProjectPath };
    const branch = this.#head(located);
    const startedAtMs = performance.now();
    let size: number;
    try {
      size = await this.#store(located, { bundlePath, branch }, options);
    } catch (error) {
      if (error instanceof EmptyBundleError) {
        const name = quoteBytes(bytesFromBinary(branch));
        throw failedPrecondition(`ref ${name} does not exist: ${error.message}`, { cause: error });
      }
      this.#needs.logger.error("failed to generate bundle", { ...fields, error });
      if (error instanceof DomainError) throw error;
      throw internal(systemErrorText(error), { cause: error });
    }
    this.#seconds.observe({}, (performance.now() - startedAtMs) / 1000);
    this.#bytes.inc({}, size);
    this.#needs.logger.info("bundle generated successfully", fields);
  }

  #head({ path }: LocatedRepository): RefName {
    try {
      return headTarget(this.#needs.repositories.open(path).refs);
    } catch (error) {
      throw wrapError("internal", "resolve HEAD ref", error);
    }
  }

  /** Returns how many bytes were stored. */
  async #store(
    located: LocatedRepository,
    { bundlePath, branch }: { readonly bundlePath: string; readonly branch: RefName },
    options: GitCall,
  ): Promise<number> {
    const { store, git } = this.#needs;
    let size = 0;
    let failure: unknown;
    const pieces = async function* (): AsyncGenerator<Buffer, void, undefined> {
      try {
        for await (const piece of bundleReferences(git, located, options, only(branch))) {
          size += piece.length;
          yield piece;
        }
      } catch (error) {
        failure = error;
        throw error;
      }
    };
    try {
      await writeUnlessEmpty(store, bundlePath, pieces(), options.signal);
    } catch (error) {
      throw failure ?? error;
    }
    return size;
  }
}

async function* only(branch: RefName): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytesFromBinary(branch);
}
