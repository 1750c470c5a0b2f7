import type { MessageInitShape } from "@bufbuild/protobuf";
import { findCause } from "../../base/error/find-cause.ts";
import { objectIdProblem } from "../../git/oid/object-id-problem.ts";
import { type ObjectFormat, type Oid, parseOid } from "../../git/oid/oid.ts";
import { binaryFromBytes, textFromBinary } from "../../git/ref/binary-string.ts";
import { TreeEditError } from "../../git/tree/tree-edit-error.ts";
import { type EntryValue, TreeEditor } from "../../git/tree/tree-editor.ts";
import { ReferenceChangeError, RefusedByHookError } from "../../hooks/change/change-errors.ts";
import { PathError_ErrorType } from "../../proto/errors_pb.ts";
import {
  type OperationService,
  UserUpdateSubmoduleErrorSchema,
  type UserUpdateSubmoduleRequest,
} from "../../proto/operations_pb.ts";
import type { User } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import {
  detail,
  failedPrecondition,
  invalidArgument,
  permissionDenied,
  RpcError,
  wrapError,
} from "../../rpc/rpc-error.ts";
import { customHookDetail, referenceUpdateDetail } from "../common/change-details.ts";
import { createCommit, type SigningNeeds } from "../common/create-commit.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { objectFormatOf } from "../common/object-format-of.ts";
import { type Operation, type OperationNeeds, openOperation } from "../common/operation.ts";
import { otherChangeFailure } from "../common/other-change-failure.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";
import { TimeZoneError, userIdentity } from "../common/user-identity.ts";
import { verifyRevision } from "../common/verify-revision.ts";
import { expectedOldOid } from "./expected-old-oid.ts";
import { hasBranches } from "./parent-commit.ts";

type UserUpdateSubmodule = Handler<typeof OperationService.method.userUpdateSubmodule>;
type Needs = OperationNeeds & SigningNeeds;
type Request = UserUpdateSubmoduleRequest;

/** Commits that a submodule is at another commit, as if a user had pushed it. */
export function userUpdateSubmodule(needs: Needs): UserUpdateSubmodule {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    const { user, commit } = checkRequest(request, objectFormatOf(located));
    await using operation = await openOperation(needs, located, call);
    if (!hasBranches(operation.repository)) throw failedPrecondition("Repository is empty");
    const name = `refs/heads/${binaryFromBytes(request.branch)}`;
    const updating: Updating = {
      ...{ needs, operation, request, user, commit, name, call },
      revisions: { git: needs.git, gitCall: () => operation.options },
    };
    const oldOid = await findOldOid(updating);
    const newOid = await update(updating).catch((error) => {
      throw isExplained(error) ? error : wrapError("internal", "submodule subcommand", error);
    });
    try {
      await operation.changeReference(user, { name, oldOid, newOid });
    } catch (error) {
      call.signal.throwIfAborted();
      throw changeFailure(error);
    }
    return { branchUpdate: { commitId: newOid } };
  };
}

/** What all steps of one call work with. */
interface Updating {
  readonly needs: Needs;
  readonly operation: Operation;
  readonly request: Request;
  readonly user: User;
  /** What the submodule shall be at. */
  readonly commit: Oid;
  /** The branch, a binary string. */
  readonly name: string;
  readonly call: Call;
  readonly revisions: RevisionNeeds;
}

function checkRequest(
  request: Request,
  format: ObjectFormat,
): { readonly user: User; readonly commit: Oid } {
  const { user, commitSha, branch, submodule, commitMessage } = request;
  if (user === undefined) throw invalidArgument("empty User");
  if (commitSha === "") throw invalidArgument("empty CommitSha");
  const problem = objectIdProblem(commitSha, format);
  const commit = parseOid(commitSha);
  if (problem !== undefined || commit === undefined) throw invalidArgument("invalid CommitSha");
  if (branch.length === 0) throw invalidArgument("empty Branch");
  if (submodule.length === 0) throw invalidArgument("empty Submodule");
  if (commitMessage.length === 0) throw invalidArgument("empty CommitMessage");
  return { user, commit };
}

async function findOldOid({ operation, request, name, revisions }: Updating): Promise<Oid> {
  const { repository } = operation;
  const { expectedOldOid: expected } = request;
  if (expected !== "") return expectedOldOid(repository, expected, revisions);
  const oid = await verifyRevision(repository, name, revisions).catch((error) => {
    throw wrapError("internal", "resolving revision", error);
  });
  if (oid === undefined) throw invalidArgument("Cannot find branch");
  return oid;
}

/** Writes the commit. */
async function update(updating: Updating): Promise<Oid> {
  const { needs, operation, request, user, call } = updating;
  const { objects } = operation.quarantine;
  const editor = await editTree(updating);
  const tree = await editor.write(objects).catch((error) => {
    throw wrapError("internal", "writing tree", error);
  });
  const parents = [await findParent(updating)];
  const author = identityOf(user, request);
  const message = request.commitMessage;
  const draft = { tree, parents, author, committer: author, message };
  try {
    return await createCommit(needs, call, objects, draft);
  } catch (error) {
    const text = error instanceof RpcError ? error.message : "disallowed characters";
    throw new RpcError("unknown", `creating commit ${text}`, { cause: error });
  }
}

async function editTree(updating: Updating): Promise<TreeEditor> {
  const { operation, request, commit, name, revisions } = updating;
  const { repository } = operation;
  const tree = await verifyRevision(repository, `${name}:`, revisions).catch((error) => {
    throw wrapError("unknown", "error reading tree: getting revision", error);
  });
  if (tree === undefined) throw invalidPath(request);
  const editor = new TreeEditor(repository.objects, tree);
  try {
    editor.modify(binaryFromBytes(request.submodule), (entry) => setCommit(entry, request, commit));
  } catch (error) {
    if (!(error instanceof TreeEditError)) throw error;
    const { problem } = error;
    const isUnknown = problem === "entry not found" || problem === "path contains traversal";
    throw isUnknown ? invalidPath(request) : wrapError("unknown", "modifying tree", error);
  }
  return editor;
}

function setCommit(entry: EntryValue, request: Request, commit: Oid): void {
  if (entry.type !== "commit") throw invalidPath(request);
  if (entry.oid === commit) {
    const path = textFromBinary(binaryFromBytes(request.submodule));
    const message = `The submodule ${path} is already at ${commit}`;
    throw pathError(message.trim(), request, PathError_ErrorType.PATH_EXISTS);
  }
  entry.oid = commit;
}

/** What the branch's name leads to, be it written in full, or be there a tag of the same name. */
async function findParent({ operation, request, revisions }: Updating): Promise<Oid> {
  const doing = "resolving submodule branch";
  const { repository } = operation;
  const revision = binaryFromBytes(request.branch);
  const oid = await verifyRevision(repository, revision, revisions).catch((error) => {
    throw wrapError("unknown", doing, error);
  });
  if (oid !== undefined) return oid;
  throw new RpcError("unknown", `${doing}: reference not found`);
}

function identityOf(user: User, { timestamp }: Request): ReturnType<typeof userIdentity> {
  try {
    return userIdentity(user, timestamp);
  } catch (error) {
    if (!(error instanceof TimeZoneError)) throw error;
    throw invalidArgument(error.message, { cause: error });
  }
}

function invalidPath(request: Request): RpcError {
  return pathError("Invalid submodule path", request, PathError_ErrorType.INVALID_PATH);
}

function pathError(
  message: string,
  { submodule }: Request,
  errorType: PathError_ErrorType,
): RpcError {
  const value = { path: submodule, errorType };
  return invalidArgument(message, { detail: errorOf({ case: "pathError", value }) });
}

/** Whether clients branch on the error. */
function isExplained(error: unknown): boolean {
  return error instanceof RpcError && error.details.length > 0;
}

function changeFailure(error: unknown): unknown {
  const refusal = findCause(error, RefusedByHookError);
  if (refusal !== undefined) {
    const value = customHookDetail(refusal);
    return permissionDenied(refusal.reason, {
      cause: error,
      detail: errorOf({ case: "customHook", value }),
    });
  }
  if (error instanceof ReferenceChangeError) {
    const value = referenceUpdateDetail(error);
    const { message, metadata } = error;
    return failedPrecondition(message, {
      ...{ cause: error, metadata },
      detail: errorOf({ case: "referenceUpdate", value }),
    });
  }
  return otherChangeFailure("updating ref with hooks", error);
}

function errorOf(
  error: NonNullable<MessageInitShape<typeof UserUpdateSubmoduleErrorSchema>["error"]>,
): ReturnType<typeof detail> {
  return detail(UserUpdateSubmoduleErrorSchema, { error });
}
