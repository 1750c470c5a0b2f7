import { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { BundleUris } from "../common/bundle-uri/bundle-uris.ts";
import type { PackSharing } from "../common/pack-objects/pack-sharing.ts";
import type { ReceivePackNeeds } from "../common/receive-pack/receive-pack-needs.ts";
import { infoRefsReceivePack } from "./info-refs-receive-pack.ts";
import { infoRefsUploadPack } from "./info-refs-upload-pack.ts";
import { postReceivePack } from "./post-receive-pack.ts";
import { postUploadPackWithSidechannel } from "./post-upload-pack-with-sidechannel.ts";

interface Needs extends ReceivePackNeeds {
  readonly packSharing: PackSharing;
  readonly bundleUris: BundleUris | undefined;
}

export function smartHttpService(needs: Needs): ServiceRegistration {
  return serve(SmartHTTPService, {
    infoRefsUploadPack: infoRefsUploadPack(needs),
    infoRefsReceivePack: infoRefsReceivePack(needs),
    postReceivePack: postReceivePack(needs),
    postUploadPackWithSidechannel: postUploadPackWithSidechannel(needs),
  });
}
