import { binaryFromBytes, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { InvalidRevisionError, parseRevision } from "../../git/revision/revision.ts";
import type { VotePhase } from "../../hooks/transaction/reference-voter.ts";
import {
  DeleteRefsErrorSchema,
  type DeleteRefsRequest,
  type RefService,
} from "../../proto/ref_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { aborted, detail, invalidArgument, type RpcError, wrapError } from "../../rpc/rpc-error.ts";
import type { RefTransaction } from "../../storage/ref-update/ref-transaction.ts";
import { RefLockedError } from "../../storage/ref-update/ref-update-errors.ts";
import { type ReferenceChangeNeeds, startReferenceChange } from "../common/change-references.ts";
import { gitFailure } from "../common/git-failure.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { startFailure } from "../common/start-failure.ts";
import { voteFailure } from "../common/transaction-votes.ts";

type Needs = ReadNeeds & ReferenceChangeNeeds;
type DeleteRefs = Handler<typeof RefService.method.deleteRefs>;

/**
 * Deletes references, all or none: those that the request names, or all but those with certain
 * prefixes. Symbolic references are deleted themselves; missing ones are no error.
 */
export function deleteRefs(needs: Needs): DeleteRefs {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    checkRequest(request);
    const repository = openLocated(needs, located, call);
    const names = namesToDelete(repository, request);
    checkNames(names);
    await using transaction = await start(needs, repository, call);
    await queue(transaction, names);
    const vote = voter(needs, names, call);
    await vote("preparing", "preparing vote");
    await prepare(transaction);
    await vote("prepared", "prepared vote");
    try {
      await transaction.commit();
    } catch (error) {
      throw wrapError("internal", "unable to commit", error);
    }
    await vote("committed", "committing vote");
    return {};
  };
}

/**
 * Votes on the names: deletions without old values are never voted on as changes of references,
 * since servers can't know whether they are those of packed-refs only.
 */
function voter({ votes }: Needs, names: readonly string[], call: Call) {
  const transaction = votes.transactionOf(call);
  const content = bytesFromBinary(names.map((name) => `${name}\n`).join(""));
  return async (phase: VotePhase, doing: string): Promise<void> => {
    if (transaction === undefined) return;
    try {
      await votes.vote(transaction, content, phase, call.signal);
    } catch (error) {
      throw voteFailure(doing, error);
    }
  };
}

function checkRequest({ refs, exceptWithPrefix }: DeleteRefsRequest): void {
  if (exceptWithPrefix.length > 0 && refs.length > 0) {
    throw invalidArgument("ExceptWithPrefix and Refs are mutually exclusive");
  }
  if (exceptWithPrefix.length === 0 && refs.length === 0) {
    throw invalidArgument("empty ExceptWithPrefix and Refs");
  }
  if (exceptWithPrefix.some((prefix) => prefix.length === 0)) {
    throw invalidArgument("empty prefix for exclusion");
  }
  if (refs.some((ref) => ref.length === 0)) throw invalidArgument("empty ref");
}

/** @returns binary strings */
function namesToDelete({ refs }: OpenedRepository, request: DeleteRefsRequest): string[] {
  if (request.refs.length > 0) return request.refs.map(binaryFromBytes);
  const kept = request.exceptWithPrefix.map(binaryFromBytes);
  return gitFailure(() => {
    const names: string[] = [];
    for (const { name } of refs.list()) {
      if (!kept.some((prefix) => name.startsWith(prefix))) names.push(name);
    }
    return names;
  });
}

function checkNames(names: readonly string[]): void {
  const invalid = names.filter((name) => !isRevision(name));
  if (invalid.length === 0) return;
  const refs = invalid.map(bytesFromBinary);
  throw invalidArgument("invalid references", {
    detail: detail(DeleteRefsErrorSchema, { error: { case: "invalidFormat", value: { refs } } }),
  });
}

function isRevision(name: string): boolean {
  try {
    parseRevision(name);
    return true;
  } catch (error) {
    if (error instanceof InvalidRevisionError) return false;
    throw error;
  }
}

async function start(
  needs: Needs,
  repository: OpenedRepository,
  call: Call,
): Promise<RefTransaction> {
  try {
    return await startReferenceChange(needs, repository, call, { noDeref: true, votes: false });
  } catch (error) {
    throw startFailure("internal", "start reference transaction", error);
  }
}

async function queue(transaction: RefTransaction, names: readonly string[]): Promise<void> {
  try {
    for (const name of names) await transaction.delete(name);
  } catch (error) {
    throw wrapError("internal", "unable to delete refs", error);
  }
}

async function prepare(transaction: RefTransaction): Promise<void> {
  try {
    await transaction.prepare();
  } catch (error) {
    if (error instanceof RefLockedError) throw lockedError(error);
    throw wrapError("internal", "unable to prepare", error);
  }
}

function lockedError(cause: RefLockedError): RpcError {
  const refs = [bytesFromBinary(cause.refName)];
  return aborted("cannot lock references", {
    cause,
    detail: detail(DeleteRefsErrorSchema, { error: { case: "referencesLocked", value: { refs } } }),
  });
}
