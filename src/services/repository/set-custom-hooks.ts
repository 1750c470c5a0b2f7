import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { type CustomHooksNeeds, installCustomHooks } from "./install-custom-hooks.ts";

type SetCustomHooks = Handler<typeof RepositoryService.method.setCustomHooks>;

/** Replaces all of the repository's own hooks by those in a tar archive, at once. */
export function setCustomHooks(needs: CustomHooksNeeds): SetCustomHooks {
  return async (requests, call) => {
    await installCustomHooks(needs, requests, call);
    return {};
  };
}
