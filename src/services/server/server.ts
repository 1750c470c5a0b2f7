import type { Logger } from "../../base/log/logger.ts";
import type { CommitSigner } from "../../git/signing/commit-signer.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { ServerService } from "../../proto/server_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { diskStatistics } from "./disk-statistics.ts";
import { readinessCheck } from "./readiness-check.ts";
import { serverInfo } from "./server-info.ts";
import { serverSignature } from "./server-signature.ts";

interface Needs {
  readonly locator: RepositoryLocator;
  readonly git: GitRunner;
  readonly logger: Logger;
  readonly serverVersion: string;
  readonly signer: CommitSigner | undefined;
}

export function serverService(needs: Needs): ServiceRegistration {
  return serve(ServerService, {
    diskStatistics: diskStatistics(needs),
    readinessCheck: readinessCheck(),
    serverInfo: serverInfo(needs),
    serverSignature: serverSignature(needs),
  });
}
