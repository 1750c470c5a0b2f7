import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { objectIdProblem } from "../../git/oid/object-id-problem.ts";
import { type Oid, zeroOid } from "../../git/oid/oid.ts";
import { binaryFromBytes, bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { Call } from "../../rpc/call.ts";
import { failedPrecondition, invalidArgument } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { startReferenceChange } from "../common/change-references.ts";
import { type OpenedRepository, openLocated } from "../common/open-repository.ts";
import type { Operation, OperationNeeds } from "../common/operation.ts";
import { expectedOldOid } from "./expected-old-oid.ts";

/** What the reference of a request has to hold when it is set; zero for one that must not exist. */
export async function findTargetOid(
  git: GitRunner,
  { repository, options }: Operation,
  { targetRef, expected }: { readonly targetRef: Uint8Array; readonly expected: string },
): Promise<Oid> {
  const zero = zeroOid(repository.objects.format);
  if (expected === "") return currentOid(repository, targetRef) ?? zero;
  if (objectIdProblem(expected, repository.objects.format) === undefined && expected === zero) {
    return zero;
  }
  return expectedOldOid(repository, expected, { git, gitCall: () => options });
}

function currentOid({ refs }: OpenedRepository, targetRef: Uint8Array): Oid | undefined {
  const name = binaryFromBytes(targetRef);
  for (const ref of refs.list({ patterns: [name] })) {
    if (ref.name !== name) {
      const other = quoteBytes(bytesFromBinary(ref.name));
      const problem = `reference is ambiguous: conflicts with ${other}`;
      throw invalidArgument(`target reference is ambiguous: ${problem}`);
    }
    if (ref.symref === undefined) return ref.oid;
    throw failedPrecondition(`target reference is symbolic: ${quoteBytes(targetRef)}`);
  }
  return undefined;
}

/** Sets a reference that no user has a hand in, so that no hook is asked. */
export async function setTargetRef(
  needs: OperationNeeds,
  located: LocatedRepository,
  change: { readonly targetRef: Uint8Array; readonly oldOid: Oid; readonly newOid: Oid },
  { call, options }: { readonly call: Call; readonly options: Operation["options"] },
): Promise<void> {
  const repository = openLocated(needs, located, call);
  await using transaction = await startReferenceChange(needs, repository, call, { git: options });
  await transaction.update(binaryFromBytes(change.targetRef), change.newOid, change.oldOid);
  await transaction.commit();
}
