import type { Oid } from "../../git/oid/oid.ts";
import { HEAD, type RefName } from "../../git/ref/ref-name.ts";
import { refsChecksum } from "../../git/ref/refs-checksum.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import { Turns } from "../../storage/file/turns.ts";
import { isDamage } from "../common/git-failure.ts";
import type { OpenedRepository } from "../common/open-repository.ts";

/**
 * Sums up a repository's references to tell whether they have changed meanwhile. That there are
 * none, or damaged ones, is an error in the words of `git show-ref`'s exit status.
 */
export async function referencesState(
  { refs, objects }: OpenedRepository,
  signal: AbortSignal,
): Promise<string> {
  const turns = new Turns(signal);
  const shown: { readonly name: RefName; readonly oid: Oid }[] = [];
  try {
    const head = refs.findOid(HEAD);
    if (head !== undefined) shown.push({ name: HEAD, oid: head });
    for (const { name, oid } of refs.list()) {
      shown.push({ name, oid });
      if (!objects.has(oid)) throw showRefFailure(128);
      if (turns.isOver()) await turns.next();
    }
  } catch (error) {
    throw isDamage(error) ? showRefFailure(128) : error;
  }
  if (shown.length === 0) throw showRefFailure(1);
  return refsChecksum(shown);
}

function showRefFailure(status: number): RpcError {
  return new RpcError("unknown", `git-show-ref failed with exit code ${status}`);
}
