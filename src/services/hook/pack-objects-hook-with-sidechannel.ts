import { hooksPayloadFromEnvironment } from "../../hooks/payload/hooks-payload.ts";
import type { HookService } from "../../proto/hook_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { PackObjects } from "../common/pack-objects/pack-objects.ts";
import { parsePackObjectsArgs } from "../common/pack-objects/pack-objects-args.ts";
import { repositoryAddress } from "../common/pack-objects/pack-sharing.ts";
import { openHookSidechannel } from "./hook-sidechannel.ts";

type Needs = { readonly locator: RepositoryLocator; readonly packObjects: PackObjects };
type PackObjectsHook = Handler<typeof HookService.method.packObjectsHookWithSidechannel>;

/**
 * Makes the pack that a `git upload-pack` wants, in place of its own `git pack-objects`.
 *
 * What goes into it comes over a connection of the hook's, and the pack and its progress go back
 * over it as sidebands without a flush at the end.
 */
export function packObjectsHookWithSidechannel({ locator, packObjects }: Needs): PackObjectsHook {
  return async (request, call) => {
    const repository = locateRepository(locator, request.repository);
    const { args, gitProtocol: protocol, remoteIp } = request;
    parsePackObjectsArgs(args);
    using sidechannel = await openHookSidechannel(call.metadata, call.signal);
    checkPayload(request.environmentVariables);
    try {
      const address = repositoryAddress(request.repository);
      const input = sidechannel.input();
      const asked = { repository, address, args, protocol, remoteIp, input };
      await packObjects.serve(asked, (pieces) => sidechannel.write(pieces), call);
      await sidechannel.end();
    } catch (error) {
      call.signal.throwIfAborted();
      throw wrapError("internal", "pack objects hook", error);
    }
    return {};
  };
}

function checkPayload(variables: readonly string[]): void {
  try {
    hooksPayloadFromEnvironment(variables);
  } catch (error) {
    throw wrapError("internal", "hook payload from env", error);
  }
}
