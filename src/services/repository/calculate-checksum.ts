import type { Oid } from "../../git/oid/oid.ts";
import { HEAD, type RefName } from "../../git/ref/ref-name.ts";
import { CorruptRefStoreError, UnreadableRefStoreError } from "../../git/ref/ref-store-error.ts";
import { refsChecksum, ZERO_CHECKSUM } from "../../git/ref/refs-checksum.ts";
import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { dataLoss } from "../../rpc/rpc-error.ts";
import { Turns } from "../../storage/file/turns.ts";
import { isBareRepository } from "../../storage/repository/is-bare-repository.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";

type CalculateChecksum = Handler<typeof RepositoryService.method.calculateChecksum>;

/**
 * Sums up the references of a repository, so that its replicas can be compared.
 *
 * The sum of a repository with a damaged reference is the same as that of an empty one.
 */
export function calculateChecksum(needs: ReadNeeds): CalculateChecksum {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    if (!isBareRepository(located.path)) {
      throw dataLoss(`not a git repository '${located.path}'`);
    }
    const refs = await listRefs(openLocated(needs, located, call), call.signal);
    return { checksum: refs === undefined ? ZERO_CHECKSUM : refsChecksum(refs) };
  };
}

interface Ref {
  readonly name: RefName;
  readonly oid: Oid;
}

/**
 * Lists what `git show-ref --head` shows; undefined where that fails, as it does for damaged
 * references and missing objects.
 */
async function listRefs(
  { refs, objects }: OpenedRepository,
  signal: AbortSignal,
): Promise<Ref[] | undefined> {
  const turns = new Turns(signal);
  const shown: Ref[] = [];
  let isDamaged = false;
  const onBroken = (): void => {
    isDamaged = true;
  };
  try {
    const head = refs.findOid(HEAD);
    if (head !== undefined) shown.push({ name: HEAD, oid: head });
    for (const { name, oid } of refs.list({ onBroken })) {
      shown.push({ name, oid });
      if (turns.isOver()) await turns.next();
    }
    for (const { oid } of shown) {
      if (!objects.has(oid)) return undefined;
      if (turns.isOver()) await turns.next();
    }
  } catch (error) {
    if (error instanceof CorruptRefStoreError || error instanceof UnreadableRefStoreError) {
      return undefined;
    }
    throw error;
  }
  return isDamaged ? undefined : shown;
}
