import { objectIdProblem } from "../../git/oid/object-id-problem.ts";
import { type ObjectFormat, type Oid, parseOid } from "../../git/oid/oid.ts";
import { binaryFromBytes, bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";
import { referenceNameProblem } from "../../git/ref/reference-name-problem.ts";
import { GitExitError } from "../../gitcmd/git-runner.ts";
import {
  type RefService,
  type UpdateReferencesRequest_Update as Update,
  UpdateReferencesErrorSchema,
  type UpdateReferencesRequest,
} from "../../proto/ref_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { aborted, detail, invalidArgument, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import type { RefTransaction } from "../../storage/ref-update/ref-transaction.ts";
import {
  ObjectNotFoundError,
  RefLockedError,
  RefMismatchError,
} from "../../storage/ref-update/ref-update-errors.ts";
import { type ReferenceChangeNeeds, startReferenceChange } from "../common/change-references.ts";
import { type OpenedStream, takeFirst } from "../common/first-request.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { objectFormatOf } from "../common/object-format-of.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { startFailure } from "../common/start-failure.ts";

type Needs = ReadNeeds & ReferenceChangeNeeds;
type UpdateReferences = Handler<typeof RefService.method.updateReferences>;

/** Creates, changes and deletes references: all that the stream names, or none. */
export function updateReferences(needs: Needs): UpdateReferences {
  return async (requests, call) => {
    const { first, rest } = await openStream(requests);
    const located = locateRepository(needs.locator, first.repository);
    const format = objectFormatOf(located);
    const updates = parseUpdates(first, format);
    await using transaction = await start(needs, openLocated(needs, located, call), call);
    await queue(transaction, updates);
    for await (const request of rest) {
      if (request.repository !== undefined) {
        throw invalidArgument("repository set in subsequent request");
      }
      await queue(transaction, parseUpdates(request, format));
    }
    try {
      await transaction.commit();
    } catch (error) {
      throw commitFailure(error);
    }
    return {};
  };
}

async function openStream(
  requests: AsyncIterable<UpdateReferencesRequest>,
): Promise<OpenedStream<UpdateReferencesRequest>> {
  try {
    return await takeFirst(requests);
  } catch (error) {
    throw wrapError("internal", "receiving initial request", error);
  }
}

async function start(
  needs: Needs,
  repository: OpenedRepository,
  call: Call,
): Promise<RefTransaction> {
  try {
    return await startReferenceChange(needs, repository, call);
  } catch (error) {
    throw startFailure("internal", "creating updater", error);
  }
}

/** One change; the name is a binary string. */
interface RefUpdate {
  readonly name: string;
  readonly newOid: Oid;
  /** Without it, the old value doesn't matter. */
  readonly oldOid: Oid | undefined;
}

function parseUpdates({ updates }: UpdateReferencesRequest, format: ObjectFormat): RefUpdate[] {
  if (updates.length === 0) throw invalidArgument("no updates specified");
  return updates.map(({ reference, oldObjectId, newObjectId }: Update) => {
    checkName(reference);
    return {
      name: binaryFromBytes(reference),
      oldOid: oldObjectId.length === 0 ? undefined : parseId("old", oldObjectId, format),
      newOid: parseId("new", newObjectId, format),
    };
  });
}

function checkName(reference: Uint8Array): void {
  const problem = referenceNameProblem(reference);
  if (problem === undefined) return;
  throw invalidArgument(`validating reference: ${problem}`, {
    metadata: { reference: textFromBinary(binaryFromBytes(reference)) },
    detail: detail(UpdateReferencesErrorSchema, {
      error: { case: "invalidFormat", value: { refs: [reference] } },
    }),
  });
}

function parseId(which: "old" | "new", id: Uint8Array, format: ObjectFormat): Oid {
  const problem = objectIdProblem(id, format);
  const text = binaryFromBytes(id);
  const oid = parseOid(text);
  if (problem === undefined && oid !== undefined) return oid;
  throw invalidArgument(`validating ${which} object ID: ${problem}`, {
    metadata: { [`${which}_object_id`]: textFromBinary(text) },
  });
}

async function queue(transaction: RefTransaction, updates: readonly RefUpdate[]): Promise<void> {
  try {
    for (const { name, newOid, oldOid } of updates) await transaction.update(name, newOid, oldOid);
  } catch (error) {
    const message = "queueing update";
    if (!(error instanceof GitExitError)) throw wrapError("invalid-argument", message, error);
    throw invalidArgument(`${message}: ${error.message}`, { cause: error });
  }
}

function commitFailure(error: unknown): RpcError {
  if (error instanceof RefLockedError) {
    const refs = [bytesFromBinary(error.refName)];
    return aborted(error.message, {
      ...{ cause: error, metadata: error.metadata },
      detail: detail(UpdateReferencesErrorSchema, {
        error: { case: "referencesLocked", value: { refs } },
      }),
    });
  }
  if (error instanceof RefMismatchError) {
    const value = {
      referenceName: bytesFromBinary(error.refName),
      expectedObjectId: bytesFromBinary(error.expectedOid),
      actualObjectId: bytesFromBinary(error.actualOid),
    };
    return aborted(error.message, {
      ...{ cause: error, metadata: error.metadata },
      detail: detail(UpdateReferencesErrorSchema, {
        error: { case: "referenceStateMismatch", value },
      }),
    });
  }
  if (error instanceof ObjectNotFoundError) {
    const { metadata } = error;
    return new RpcError("not-found", error.message, { cause: error, metadata });
  }
  return wrapError("internal", "committing update", error);
}
