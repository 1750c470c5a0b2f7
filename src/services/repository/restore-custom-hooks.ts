import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { type CustomHooksNeeds, installCustomHooks } from "./install-custom-hooks.ts";

type RestoreCustomHooks = Handler<typeof RepositoryService.method.restoreCustomHooks>;

/** The same as SetCustomHooks, by its former name. */
export function restoreCustomHooks(needs: CustomHooksNeeds): RestoreCustomHooks {
  return async (requests, call) => {
    await installCustomHooks(needs, requests, call);
    return {};
  };
}
