import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { AnalysisService } from "../../proto/analysis_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { ReadNeeds } from "../common/open-repository.ts";
import { checkBlobsGenerated } from "./check-blobs-generated.ts";

interface Needs extends ReadNeeds {
  readonly git: GitRunner;
}

export function analysisService(needs: Needs): ServiceRegistration {
  return serve(AnalysisService, { checkBlobsGenerated: checkBlobsGenerated(needs) });
}
