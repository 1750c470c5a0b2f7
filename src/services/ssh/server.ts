import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { SSHService } from "../../proto/ssh_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import type { NegotiationTimeouts } from "../common/upload-command.ts";
import { sshUploadArchive } from "./ssh-upload-archive.ts";

interface Needs {
  readonly locator: RepositoryLocator;
  readonly git: GitRunner;
  readonly timeouts: NegotiationTimeouts;
}

export function sshService(needs: Needs): ServiceRegistration {
  return serve(SSHService, { sSHUploadArchive: sshUploadArchive(needs) });
}
