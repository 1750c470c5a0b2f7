import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { infoRefsReceivePack } from "./info-refs-receive-pack.ts";
import { infoRefsUploadPack } from "./info-refs-upload-pack.ts";

interface Needs {
  readonly locator: RepositoryLocator;
  readonly git: GitRunner;
}

export function smartHttpService(needs: Needs): ServiceRegistration {
  return serve(SmartHTTPService, {
    infoRefsUploadPack: infoRefsUploadPack(needs),
    infoRefsReceivePack: infoRefsReceivePack(needs),
  });
}
