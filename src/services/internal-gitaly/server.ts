import { InternalGitaly } from "../../proto/internal_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import { listPoolMetadata } from "./list-pool-metadata.ts";
import { listPoolUpstreams, type PoolUpstreamNeeds } from "./list-pool-upstreams.ts";
import { scanPoolMetadata } from "./scan-pool-metadata.ts";
import { storePoolMetadata } from "./store-pool-metadata.ts";
import { walkRepos } from "./walk-repos.ts";

type Needs = PoolUpstreamNeeds & Parameters<typeof scanPoolMetadata>[0];

/** What other servers of the installation ask. */
export function internalGitalyService(needs: Needs): ServiceRegistration {
  return serve(InternalGitaly, {
    listPoolMetadata: listPoolMetadata(needs),
    listPoolUpstreams: listPoolUpstreams(needs),
    scanPoolMetadata: scanPoolMetadata(needs),
    storePoolMetadata: storePoolMetadata(needs),
    walkRepos: walkRepos(needs),
  });
}
