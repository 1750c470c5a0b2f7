import type { HookManager } from "../../hooks/hook-manager.ts";
import { HookService } from "../../proto/hook_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import type { PackObjects } from "../common/pack-objects/pack-objects.ts";
import { packObjectsHookWithSidechannel } from "./pack-objects-hook-with-sidechannel.ts";
import { postReceiveHook } from "./post-receive-hook.ts";
import { preReceiveHook } from "./pre-receive-hook.ts";
import { procReceiveHook } from "./proc-receive-hook.ts";
import { referenceTransactionHook } from "./reference-transaction-hook.ts";
import { updateHook } from "./update-hook.ts";

interface Needs {
  readonly locator: RepositoryLocator;
  readonly hooks: HookManager;
  readonly packObjects: PackObjects;
}

/** What hooks outside of the server's own processes ask. */
export function hookService(needs: Needs): ServiceRegistration {
  return serve(HookService, {
    packObjectsHookWithSidechannel: packObjectsHookWithSidechannel(needs),
    postReceiveHook: postReceiveHook(needs),
    preReceiveHook: preReceiveHook(needs),
    procReceiveHook: procReceiveHook(),
    referenceTransactionHook: referenceTransactionHook(needs),
    updateHook: updateHook(needs),
  });
}
