import { findCause } from "../../base/error/find-cause.ts";
import type { Identity } from "../../git/object/identity.ts";
import { encodeTag } from "../../git/object/object-encoding.ts";
import type { ObjectType } from "../../git/object/object-type.ts";
import { peelTags, type TypedOid } from "../../git/object/peel.ts";
import { type Oid, zeroOid } from "../../git/oid/oid.ts";
import { binaryFromBytes, bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";
import { InvalidRevisionError, parseRevision } from "../../git/revision/revision.ts";
import { ReferenceChangeError, RefusedByHookError } from "../../hooks/change/change-errors.ts";
import { NotAllowedError } from "../../hooks/hook-errors.ts";
import {
  type OperationService,
  UserCreateTagErrorSchema,
  type UserCreateTagRequest,
} from "../../proto/operations_pb.ts";
import type { GitCommit, User } from "../../proto/shared_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import {
  detail,
  failedPrecondition,
  internal,
  invalidArgument,
  notFound,
  permissionDenied,
  RpcError,
  wrapError,
} from "../../rpc/rpc-error.ts";
import {
  accessCheckDetail,
  customHookDetail,
  referenceUpdateDetail,
} from "../common/change-details.ts";
import { dateOrNow } from "../common/date-or-now.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type Operation, type OperationNeeds, openOperation } from "../common/operation.ts";
import { otherChangeFailure } from "../common/other-change-failure.ts";
import { findObject, type RevisionNeeds } from "../common/resolve-revision.ts";
import { TimeZoneError, userIdentity } from "../common/user-identity.ts";
import { verifyRevision } from "../common/verify-revision.ts";
import { tagProblem } from "./tag-problem.ts";

type UserCreateTag = Handler<typeof OperationService.method.userCreateTag>;

/** Makes a tag, as if a user had pushed it: an annotated one when there is a message. */
export function userCreateTag(needs: OperationNeeds): UserCreateTag {
  return async (request, call) => {
    const user = checkRequest(request);
    const located = locateRepository(needs.locator, request.repository);
    const tagger = findTagger(user, request);
    await using operation = await openOperation(needs, located, call);
    const ask = { git: needs.git, gitCall: () => operation.options };
    const { oid, ...tag } = await createTag(operation, request, tagger, ask);
    const name = tagRef(request);
    await refuseExisting(operation, name, ask);
    const oldOid = zeroOid(operation.repository.objects.format);
    try {
      await operation.changeReference(user, { name, oldOid, newOid: oid });
    } catch (error) {
      throw changeFailure(error);
    }
    const { targetCommit, ...fields } = tag;
    return { tag: { name: request.tagName, ...fields, ...(targetCommit && { targetCommit }) } };
  };
}

function checkRequest({ tagName, user, targetRevision, message }: UserCreateTagRequest): User {
  if (tagName.length === 0) throw invalidArgument("empty tag name");
  try {
    parseRevision(tagName);
  } catch (error) {
    if (!(error instanceof InvalidRevisionError)) throw error;
    throw invalidArgument(`invalid tag name: ${error.message}`, { cause: error });
  }
  if (user === undefined) throw invalidArgument("empty user");
  if (targetRevision.length === 0) throw invalidArgument("empty target revision");
  if (message.includes(0)) throw invalidArgument("tag message contains NUL byte");
  return user;
}

function findTagger(user: User, { timestamp }: UserCreateTagRequest): Required<Identity> {
  try {
    const tagger = userIdentity(user, timestamp);
    return { ...tagger, date: dateOrNow(tagger.date) };
  } catch (error) {
    if (!(error instanceof TimeZoneError)) throw error;
    throw invalidArgument(error.message, { cause: error });
  }
}

function tagRef({ tagName }: UserCreateTagRequest): string {
  return `refs/tags/${binaryFromBytes(tagName)}`;
}

interface CreatedTag {
  /** What the reference is to hold. */
  readonly oid: Oid;
  /** As the protocol has it: of a lightweight tag, that of the object. */
  readonly id: string;
  readonly message?: Uint8Array;
  readonly messageSize?: bigint;
  readonly targetCommit: GitCommit | undefined;
}

async function createTag(
  operation: Operation,
  request: UserCreateTagRequest,
  tagger: Required<Identity>,
  ask: RevisionNeeds,
): Promise<CreatedTag> {
  const target = await findTarget(operation, request.targetRevision, ask);
  const peeled = target.type === "tag" ? peel(operation, target.oid) : target;
  const tag = hasText(request.message)
    ? await writeTag(operation, request, target, tagger)
    : { oid: peeled.oid, id: peeled.oid };
  if (peeled.type !== "commit") return { ...tag, targetCommit: undefined };
  const targetCommit = await operation.readCommit(peeled.oid);
  if (targetCommit === undefined) throw internal("getting commit: object not found");
  return { ...tag, targetCommit };
}

/** All but what the reference server's regular expressions take for a blank. */
function hasText(message: Uint8Array): boolean {
  return /[^\t\n\f\r ]/.test(binaryFromBytes(message));
}

async function findTarget(
  { repository, options }: Operation,
  targetRevision: Uint8Array,
  ask: RevisionNeeds,
): Promise<TypedOid> {
  const revision = binaryFromBytes(targetRevision);
  // No failure is told apart from a revision that names nothing.
  const oid = await findObject(repository, revision, ask).catch(() => undefined);
  options.signal.throwIfAborted();
  const type: ObjectType | undefined = oid && repository.objects.header(oid)?.type;
  if (oid !== undefined && type !== undefined) return { oid, type };
  throw failedPrecondition(`revspec '${textFromBinary(revision)}' not found`);
}

function peel({ repository }: Operation, oid: Oid): TypedOid {
  try {
    return peelTags(repository.objects, oid);
  } catch (error) {
    throw internal("reading object info: object not found", { cause: error });
  }
}

async function writeTag(
  { quarantine }: Operation,
  { tagName, message }: UserCreateTagRequest,
  { oid: object, type: objectType }: TypedOid,
  tagger: Required<Identity>,
): Promise<Omit<CreatedTag, "targetCommit">> {
  const tag = { object, objectType, name: tagName, tagger, message };
  const problem = tagProblem(tag);
  if (problem !== undefined) {
    const reference = `refs/tags/${textFromBinary(binaryFromBytes(tagName))}`;
    const reason = `Could not update ${reference}. Please refresh and try again.`;
    throw notFound(`Gitlab::Git::CommitError: ${reason}`, { metadata: { stderr: problem } });
  }
  const oid = await quarantine.objects.write("tag", encodeTag(tag)).catch((error) => {
    throw wrapError("internal", "writing tag", error);
  });
  return { oid, id: oid, message, messageSize: BigInt(message.length) };
}

/** What a push would learn as well, but clients are told which object is there. */
async function refuseExisting(
  { repository }: Operation,
  name: string,
  ask: RevisionNeeds,
): Promise<void> {
  const oid = await verifyRevision(repository, name, ask).catch((error) => {
    throw wrapError("internal", "resolving target reference", error);
  });
  if (oid === undefined) return;
  throw new RpcError("already-exists", "tag reference exists already", {
    detail: detail(UserCreateTagErrorSchema, {
      error: {
        case: "referenceExists",
        value: { referenceName: bytesFromBinary(name), oid },
      },
    }),
  });
}

function changeFailure(error: unknown): unknown {
  const denial = findCause(error, NotAllowedError);
  if (denial !== undefined && error instanceof Error) {
    // How often GitLab is asked doesn't make a difference here.
    return permissionDenied(`reference update denied by access checks: ${error.message}`, {
      cause: error,
      detail: detail(UserCreateTagErrorSchema, {
        error: { case: "accessCheck", value: accessCheckDetail(denial) },
      }),
    });
  }
  if (error instanceof RefusedByHookError) {
    return permissionDenied(`reference update denied by custom hooks: ${error.message}`, {
      cause: error,
      detail: detail(UserCreateTagErrorSchema, {
        error: { case: "customHook", value: customHookDetail(error) },
      }),
    });
  }
  if (error instanceof ReferenceChangeError) {
    return failedPrecondition(`reference update failed: ${error.message}`, {
      ...{ cause: error, metadata: error.metadata },
      detail: detail(UserCreateTagErrorSchema, {
        error: { case: "referenceUpdate", value: referenceUpdateDetail(error) },
      }),
    });
  }
  return otherChangeFailure("updating reference", error);
}
