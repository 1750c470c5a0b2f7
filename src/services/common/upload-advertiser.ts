import { DomainError } from "../../base/error/domain-error.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { UnadvertisableRefError } from "../../git/receive/push-advertisement.ts";
import type { RepositoryCache } from "../../git/repository/repository-cache.ts";
import {
  capabilityAdvertisement,
  uploadAdvertisement,
} from "../../git/upload/upload-advertisement.ts";
import type { ConfigPair } from "../../gitcmd/git-command.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { gitAgent } from "./git-agent.ts";
import { KeptReferences } from "./kept-references.ts";
import { openForUpload } from "./open-for-upload.ts";

interface Needs {
  readonly git: GitRunner;
  readonly repositories: RepositoryCache;
  readonly metrics: MetricRegistry;
}

/** What is made of an advertisement before it is kept. */
interface Framing {
  /** What goes before the first piece, in the same one. */
  readonly before?: Buffer;
  /** Makes of a piece what is sent of it. */
  readonly encode?: (piece: Buffer) => Buffer;
}

const NOTHING = Buffer.alloc(0);

/** The values of `GIT_PROTOCOL` that make git show references at once. */
const VERSIONS: ReadonlyMap<string, 0 | 1> = new Map([
  ["", 0],
  ["version=0", 0],
  ["version=1", 1],
]);

/** Makes what clients are shown that want to fetch without git. */
export class UploadAdvertiser {
  readonly #needs: Needs;
  readonly #kept: KeptReferences;

  readonly #before: Buffer;
  readonly #encode: (piece: Buffer) => Buffer;

  constructor(needs: Needs, { before = NOTHING, encode = asItIs }: Framing = {}) {
    this.#needs = needs;
    this.#before = before;
    this.#encode = encode;
    const attempts = needs.metrics.counter({
      name: "gitaly_inforef_cache_attempt_total",
      help: "Advertisements of references that were looked for among those that are kept.",
    });
    const lookups = needs.metrics.counter({
      name: "gitaly_inforef_cache_hit_miss_total",
      help: "The same by whether there was one.",
      labels: ["type"],
    });
    this.#kept = new KeptReferences((type) => {
      attempts.inc({});
      lookups.inc({ type });
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
    try {
      const fetchable = openForUpload(this.#needs, located, options);
      if (fetchable === undefined) return undefined;
      const { repository, settings } = fetchable;
      const agent = gitAgent((await this.#needs.git.version()).text);
      if (protocol === "version=2") {
        const { objectFormat } = repository;
        return [...this.#frame([capabilityAdvertisement(settings, objectFormat, agent)])];
      }
      const version = VERSIONS.get(protocol ?? "");
      if (version === undefined) return undefined;
      const make = () => this.#frame(uploadAdvertisement(repository, settings, { agent, version }));
      const key = JSON.stringify([agent, version, options.filter(isShown)]);
      return await this.#kept.find(repository, key, make);
    } catch (error) {
      if (error instanceof UnadvertisableRefError || error instanceof DomainError) return undefined;
      throw error;
    }
  }

  *#frame(pieces: Iterable<Buffer>): Generator<Buffer, void, undefined> {
    let before = this.#before;
    for (const piece of pieces) {
      yield this.#encode(before.length === 0 ? piece : Buffer.concat([before, piece]));
      before = NOTHING;
    }
  }
}

/** Versions 0 and 1 of the protocol don't tell of bundles, whose addresses change all the time. */
function isShown({ key }: ConfigPair): boolean {
  return !/^(?:bundle\.|uploadpack\.advertisebundleuris$)/i.test(key);
}

function asItIs(piece: Buffer): Buffer {
  return piece;
}
