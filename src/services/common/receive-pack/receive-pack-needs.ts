import type { Logger } from "../../../base/log/logger.ts";
import type { MetricRegistry } from "../../../base/metric/metric-registry.ts";
import type { RepositoryCache } from "../../../git/repository/repository-cache.ts";
import type { GitRunner } from "../../../gitcmd/git-runner.ts";
import type { HookManager } from "../../../hooks/hook-manager.ts";
import type { HookStubs } from "../../../hooks/stub/hook-stubs.ts";
import type { PostReceivePackRequest } from "../../../proto/smarthttp_pb.ts";
import type { RepositoryLocator } from "../../../storage/locator/repository-locator.ts";
import type { TransactionVotes } from "../transaction-votes.ts";

/** What receives pushes. */
export interface ReceivePackNeeds {
  readonly locator: RepositoryLocator;
  readonly git: GitRunner;
  readonly repositories: RepositoryCache;
  readonly hooks: HookManager;
  readonly hookStubs: HookStubs;
  readonly votes: TransactionVotes;
  readonly metrics: MetricRegistry;
  readonly logger: Logger;
}

/** What a push's first message says, whatever it came over. */
export type PushOrigin = Pick<
  PostReceivePackRequest,
  "glId" | "glUsername" | "gitConfigOptions" | "gitProtocol"
>;
