import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { type Oid, parseOid, zeroOid } from "../../git/oid/oid.ts";
import { bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";
import { referenceNameProblem } from "../../git/ref/reference-name-problem.ts";
import { InvalidRevisionError, parseRevision, type Revision } from "../../git/revision/revision.ts";
import { ReferenceNotFoundErrorSchema } from "../../proto/errors_pb.ts";
import type { RepositoryService, WriteRefRequest } from "../../proto/repository_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import {
  aborted,
  detail,
  internal,
  invalidArgument,
  notFound,
  wrapError,
} from "../../rpc/rpc-error.ts";
import { RefLockedError } from "../../storage/ref-update/ref-update-errors.ts";
import { type ReferenceChangeNeeds, startReferenceChange } from "../common/change-references.ts";
import { type GitCall, gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { findObject } from "../common/resolve-revision.ts";

type Needs = ReadNeeds & ReferenceChangeNeeds;
type WriteRef = Handler<typeof RepositoryService.method.writeRef>;

/**
 * Sets a reference to an object, deletes it when the new revision is the zero id, or makes HEAD
 * name another branch.
 */
export function writeRef(needs: Needs): WriteRef {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    const change = parseChange(request);
    call.logFields["ref"] = textFromBinary(change.ref);
    call.logFields["revision"] = textFromBinary(change.revision);
    const repository = openLocated(needs, located, call);
    const writing = { needs, repository, call, git: gitCall(call) };
    if (change.ref === "HEAD") await setDefaultBranch(writing, change.revision);
    else await updateRef(writing, change);
    return {};
  };
}

/** What a request asks for, all as binary strings. */
interface Change {
  readonly ref: Revision;
  readonly revision: Revision;
  readonly oldRevision: Revision | undefined;
}

interface Writing {
  readonly needs: Needs;
  readonly repository: OpenedRepository;
  readonly call: Call;
  readonly git: GitCall;
}

function parseChange({ ref, revision, oldRevision }: WriteRefRequest): Change {
  const change = {
    ref: parsePart("ref", ref),
    revision: parsePart("revision", revision),
    oldRevision: oldRevision.length === 0 ? undefined : parsePart("OldRevision", oldRevision),
  };
  if (change.ref !== "HEAD" && !change.ref.startsWith("refs/")) {
    throw invalidArgument("ref has to be a full reference");
  }
  return change;
}

function parsePart(part: string, bytes: Uint8Array): Revision {
  try {
    return parseRevision(bytes);
  } catch (error) {
    if (!(error instanceof InvalidRevisionError)) throw error;
    throw invalidArgument(`invalid ${part}: ${error.message}`, { cause: error });
  }
}

/** The branch need not exist. */
async function setDefaultBranch(writing: Writing, branch: Revision): Promise<void> {
  if (referenceNameProblem(branch) !== undefined) {
    const name = quoteBytes(bytesFromBinary(branch));
    throw internal(`setting default branch: ${name} is a malformed refname`);
  }
  const { needs, repository, call, git } = writing;
  try {
    const options = { noDeref: true, git };
    await using transaction = await startReferenceChange(needs, repository, call, options);
    await transaction.updateSymbolic("HEAD", branch);
    await transaction.commit();
  } catch (error) {
    throw wrapError("internal", "setting default branch: commit", error);
  }
}

async function updateRef(writing: Writing, { ref, revision, oldRevision }: Change): Promise<void> {
  const newOid = await resolve(writing, "new", revision);
  const oldOid = oldRevision && (await resolve(writing, "old", oldRevision));
  const { needs, repository, call, git } = writing;
  try {
    await using transaction = await startReferenceChange(needs, repository, call, { git });
    await transaction.update(ref, newOid, oldOid);
    await transaction.commit();
  } catch (error) {
    if (error instanceof RefLockedError) {
      const { metadata } = error;
      throw aborted("reference is locked already", { cause: error, metadata });
    }
    throw wrapError("internal", "error when running update-ref command", error);
  }
}

/** Finds an object, which has to exist; only the zero id stands for itself. */
async function resolve(
  { needs, repository, git: options }: Writing,
  which: "new" | "old",
  revision: Revision,
): Promise<Oid> {
  const zero = zeroOid(repository.objects.format);
  if (parseOid(revision) === zero) return zero;
  const { git } = needs;
  const gitCall = (): GitCall => options;
  const oid = await findObject(repository, `${revision}^{object}`, { git, gitCall });
  if (oid !== undefined) return oid;
  throw notFound(`resolving ${which} revision: reference not found`, {
    detail: detail(ReferenceNotFoundErrorSchema, { referenceName: bytesFromBinary(revision) }),
  });
}
