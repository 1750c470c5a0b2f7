import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { RemoteService } from "../../proto/remote_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { ReadNeeds } from "../common/open-repository.ts";
import { findRemoteRepository } from "./find-remote-repository.ts";
import { findRemoteRootRef } from "./find-remote-root-ref.ts";
import { updateRemoteMirror } from "./update-remote-mirror.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };

export function remoteService(needs: Needs): ServiceRegistration {
  return serve(RemoteService, {
    findRemoteRepository: findRemoteRepository(needs),
    findRemoteRootRef: findRemoteRootRef(needs),
    updateRemoteMirror: updateRemoteMirror(needs),
  });
}
