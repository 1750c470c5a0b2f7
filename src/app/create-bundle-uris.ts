import type { Logger } from "../base/log/logger.ts";
import type { MetricRegistry } from "../base/metric/metric-registry.ts";
import type { RepositoryCache } from "../git/repository/repository-cache.ts";
import type { GitRunner } from "../gitcmd/git-runner.ts";
import { BundleUris } from "../services/common/bundle-uri/bundle-uris.ts";
import { openBundleStore } from "../storage/bundle-uri/open-bundle-store.ts";
import type { Config } from "./config/config.ts";

interface Parts {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly git: GitRunner;
  readonly repositories: RepositoryCache;
  readonly metrics: MetricRegistry;
  readonly logger: Logger;
}

/**
 * What makes bundles for clients, when the configuration says where they are kept; added to `stack`.
 *
 * @throws BundleStoreError
 */
export function createBundleUris(
  { bundleUri: { goCloudUrl } }: Config,
  { environment, ...parts }: Parts,
  stack: AsyncDisposableStack,
): BundleUris | undefined {
  if (goCloudUrl === "") return undefined;
  const store = openBundleStore(goCloudUrl, environment);
  const bundleUris = stack.use(new BundleUris({ ...parts, store }));
  parts.logger.info(`bundle-uri bucket configured: ${goCloudUrl}`);
  return bundleUris;
}
