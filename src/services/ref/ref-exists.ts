import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import { parseRefName } from "../../git/ref/ref-name.ts";
import type { RefService } from "../../proto/ref_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, invalidArgument } from "../../rpc/rpc-error.ts";
import { gitFailure, refuseNul } from "../common/git-failure.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { openLocated, type ReadNeeds } from "../common/open-repository.ts";

type RefExists = Handler<typeof RefService.method.refExists>;

/**
 * Says whether there is a reference of this full name. One that leads to an object that isn't there
 * is an error.
 */
export function refExists(needs: ReadNeeds): RefExists {
  return async ({ repository, ref }, call) => {
    const located = locateRepository(needs.locator, repository);
    const text = binaryFromBytes(ref);
    if (!text.startsWith("refs/")) throw invalidArgument("invalid refname");
    refuseNul(text);
    const name = parseRefName(text);
    if (name === undefined) return { value: false };
    const { refs, objects } = openLocated(needs, located, call);
    const oid = gitFailure(() => refs.findOid(name));
    if (oid === undefined) return { value: false };
    if (!objects.has(oid)) throw internal("exit status 128", { metadata: { oid } });
    return { value: true };
  };
}
