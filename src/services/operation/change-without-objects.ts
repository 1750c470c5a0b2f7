import type { ReferenceChange } from "../../hooks/change/change-errors.ts";
import { changeReference } from "../../hooks/change/change-reference.ts";
import type { User } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { changeContext } from "../common/change-context.ts";
import type { GitCall } from "../common/git-call.ts";
import type { OperationNeeds } from "../common/operation.ts";

/**
 * Changes a reference as a user's push would when no objects come with it, so that there is no
 * quarantine: a deletion, say.
 *
 * @throws see `changeReference` in `hooks/change`
 */
export async function changeWithoutObjects(
  needs: OperationNeeds,
  located: LocatedRepository,
  { glId, glUsername }: User,
  change: ReferenceChange,
  { call, options }: { readonly call: Call; readonly options: GitCall },
): Promise<void> {
  const changer = { glId, glUsername, protocol: "web" };
  const context = changeContext(needs.votes, located, changer, call);
  await changeReference(needs, context, change, options);
}
