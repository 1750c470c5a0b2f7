import { SSHService } from "../../proto/ssh_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { BundleUris } from "../common/bundle-uri/bundle-uris.ts";
import type { PackSharing } from "../common/pack-objects/pack-sharing.ts";
import type { ReceivePackNeeds } from "../common/receive-pack/receive-pack-needs.ts";
import type { NegotiationTimeouts } from "../common/upload-command.ts";
import { sshReceivePack } from "./ssh-receive-pack.ts";
import { sshUploadArchive } from "./ssh-upload-archive.ts";
import { sshUploadPackWithSidechannel } from "./ssh-upload-pack-with-sidechannel.ts";

interface Needs extends ReceivePackNeeds {
  readonly packSharing: PackSharing;
  readonly bundleUris: BundleUris | undefined;
  readonly timeouts: NegotiationTimeouts;
}

export function sshService(needs: Needs): ServiceRegistration {
  return serve(SSHService, {
    sSHReceivePack: sshReceivePack(needs),
    sSHUploadArchive: sshUploadArchive(needs),
    sSHUploadPackWithSidechannel: sshUploadPackWithSidechannel(needs),
  });
}
