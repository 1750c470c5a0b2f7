import { setImmediate as nextTurn } from "node:timers/promises";
import { DomainError } from "../../base/error/domain-error.ts";
import type { Counter } from "../../base/metric/counter.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { UnadvertisableRefError } from "../../git/receive/push-advertisement.ts";
import type { GitRepository } from "../../git/repository/git-repository.ts";
import type { RepositoryCache } from "../../git/repository/repository-cache.ts";
import { AdvertisementCache } from "../../git/upload/advertisement-cache.ts";
import {
  capabilityAdvertisement,
  uploadAdvertisement,
} from "../../git/upload/upload-advertisement.ts";
import { type UploadSettings, uploadSettings } from "../../git/upload/upload-settings.ts";
import type { ConfigPair } from "../../gitcmd/git-command.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { gitAgent } from "../common/git-agent.ts";
import { hasUnusualFiles } from "../common/unusual-files.ts";

interface Needs {
  readonly git: GitRunner;
  readonly repositories: RepositoryCache;
  readonly metrics: MetricRegistry;
}

/** Finished advertisements that are kept, in bytes over all repositories. */
const KEPT_BYTES_MAX = 32 * 1024 * 1024;

/** Files of a repository that change what is advertised. */
const UNUSUAL_FILES = ["shallow", "info/grafts"];

/** The values of `GIT_PROTOCOL` that make git show references at once. */
const VERSIONS: ReadonlyMap<string, 0 | 1> = new Map([
  ["", 0],
  ["version=0", 0],
  ["version=1", 1],
]);

/** What an advertisement of references depends on beside the repository. */
interface Asked {
  readonly settings: UploadSettings;
  readonly introduction: { readonly agent: string; readonly version: 0 | 1 };
  /** The request's own settings. */
  readonly options: readonly ConfigPair[];
}

/** Makes what clients are shown that want to fetch over HTTP, without git. */
export class UploadAdvertiser {
  readonly #needs: Needs;
  readonly #kept = new AdvertisementCache(KEPT_BYTES_MAX);
  readonly #attempts: Counter<never>;
  readonly #lookups: Counter<"type">;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#attempts = needs.metrics.counter({
      name: "gitaly_inforef_cache_attempt_total",
      help: "Advertisements of references that were looked for among those that are kept.",
    });
    this.#lookups = needs.metrics.counter({
      name: "gitaly_inforef_cache_hit_miss_total",
      help: "The same by whether there was one.",
      labels: ["type"],
    });
  }

  /**
   * Returns undefined when git has to make the advertisement: its configuration is unusual, or there
   * is something to say about damaged references.
   *
   * @param options the request's own settings
   * @param protocol the value of `GIT_PROTOCOL`
   */
  async advertise(
    located: LocatedRepository,
    options: readonly ConfigPair[],
    protocol: string | undefined,
  ): Promise<readonly Buffer[] | undefined> {
    const { git, repositories } = this.#needs;
    if (located.objectDirectory !== undefined) return undefined;
    if (hasUnusualFiles(located.path, UNUSUAL_FILES)) return undefined;
    try {
      const config = git.configOf({ name: "upload-pack", config: options });
      const repository = repositories.open(located.path);
      const settings = uploadSettings(repository.config.entries, config);
      if (settings === undefined) return undefined;
      const agent = gitAgent((await git.version()).text);
      if (protocol === "version=2") {
        return [capabilityAdvertisement(settings, repository.objectFormat, agent)];
      }
      const version = VERSIONS.get(protocol ?? "");
      if (version === undefined) return undefined;
      const introduction = { agent, version };
      return await this.#references(repository, { settings, introduction, options });
    } catch (error) {
      if (error instanceof UnadvertisableRefError || error instanceof DomainError) return undefined;
      throw error;
    }
  }

  async #references(
    repository: GitRepository,
    { settings, introduction, options }: Asked,
  ): Promise<readonly Buffer[]> {
    const key = JSON.stringify([introduction, options.filter(isShown)]);
    const version = repository.refs.version();
    const kept = version === undefined ? undefined : this.#kept.find(repository, key, version);
    this.#attempts.inc({});
    this.#lookups.inc({ type: kept === undefined ? "miss" : "hit" });
    if (kept !== undefined) return kept;
    const pieces: Buffer[] = [];
    for (const piece of uploadAdvertisement(repository, settings, introduction)) {
      pieces.push(piece);
      await nextTurn();
    }
    // What has changed meanwhile may be in it or not.
    if (version !== undefined && version === repository.refs.version()) {
      this.#kept.keep(repository, key, { version, pieces });
    }
    return pieces;
  }
}

/** Versions 0 and 1 of the protocol don't tell of bundles, whose addresses change all the time. */
function isShown({ key }: ConfigPair): boolean {
  return !/^(?:bundle\.|uploadpack\.advertisebundleuris$)/i.test(key);
}
