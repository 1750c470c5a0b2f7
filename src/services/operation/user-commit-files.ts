import { findCause } from "../../base/error/find-cause.ts";
import type { Identity } from "../../git/object/identity.ts";
import { objectIdProblem } from "../../git/oid/object-id-problem.ts";
import { type ObjectFormat, type Oid, zeroOid } from "../../git/oid/oid.ts";
import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import { MalformedTreeError } from "../../git/tree/tree-edit-error.ts";
import { TreeEditor } from "../../git/tree/tree-editor.ts";
import { ReferenceChangeError, RefusedByHookError } from "../../hooks/change/change-errors.ts";
import { NotAllowedError } from "../../hooks/hook-errors.ts";
import {
  type OperationService,
  UserCommitFilesErrorSchema,
  type UserCommitFilesRequest,
  type UserCommitFilesRequestHeader,
} from "../../proto/operations_pb.ts";
import type { User } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import {
  detail,
  failedPrecondition,
  internal,
  invalidArgument,
  permissionDenied,
  RpcError,
  wrapError,
} from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import type { ObjectWriter } from "../../storage/object-write/object-writer.ts";
import { accessCheckDetail, customHookDetail } from "../common/change-details.ts";
import { checkParent } from "../common/check-parent.ts";
import {
  createCommit,
  DisallowedCharactersError,
  type SigningNeeds,
} from "../common/create-commit.ts";
import { FileWriter } from "../common/file-writer.ts";
import { takeFirst } from "../common/first-request.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { objectFormatOf } from "../common/object-format-of.ts";
import { openLocated } from "../common/open-repository.ts";
import { type Operation, type OperationNeeds, openOperation } from "../common/operation.ts";
import { TimeZoneError, userIdentity } from "../common/user-identity.ts";
import { verifyRevision } from "../common/verify-revision.ts";
import { applyAction } from "./commit-action.ts";
import { expectedOldOid } from "./expected-old-oid.ts";
import { IndexError } from "./index-error.ts";
import { findParent, hasBranches, type ParentNeeds } from "./parent-commit.ts";
import { receiveActions } from "./receive-actions.ts";
import { trimBlanks } from "./trim-blanks.ts";

type UserCommitFiles = Handler<typeof OperationService.method.userCommitFiles>;
/** What `userCommitFiles` needs beside what all operations need. */
export type CommitFilesNeeds = OperationNeeds & ParentNeeds & SigningNeeds;
type Header = UserCommitFilesRequestHeader;

/** Makes a commit of changes to files, and moves a branch to it as if a user had pushed it. */
export function userCommitFiles(needs: CommitFilesNeeds): UserCommitFiles {
  return async (requests, call) => {
    const { first, rest } = await takeFirst(requests);
    const { userCommitFilesRequestPayload: payload } = first;
    if (payload.case !== "header") throw invalidArgument("empty UserCommitFilesRequestHeader");
    const header = payload.value;
    const located = locateRepository(needs.locator, header.repository);
    const user = checkHeader(header, objectFormatOf(located));
    await using operation = await openOperation(needs, located, call);
    try {
      return await commitFiles({ needs, located, operation, header, user, call }, rest);
    } catch (error) {
      call.signal.throwIfAborted();
      throw failureOf(error);
    }
  };
}

/** What all steps of one call work with. */
interface Committing {
  readonly needs: CommitFilesNeeds;
  readonly located: LocatedRepository;
  readonly operation: Operation;
  readonly header: Header;
  readonly user: User;
  readonly call: Call;
}

function checkHeader(header: Header, format: ObjectFormat): User {
  const { user, commitMessage, branchName, startSha } = header;
  if (user === undefined) throw invalidArgument("empty User");
  if (commitMessage.length === 0) throw invalidArgument("empty CommitMessage");
  if (branchName.length === 0) throw invalidArgument("empty BranchName");
  const problem = startSha === "" ? undefined : objectIdProblem(startSha, format);
  if (problem !== undefined) throw invalidArgument(problem);
  return user;
}

async function commitFiles(
  committing: Committing,
  requests: AsyncIterable<UserCommitFilesRequest>,
): Promise<{ branchUpdate: { commitId: string; repoCreated: boolean; branchCreated: boolean } }> {
  const { needs, operation, header, user, call } = committing;
  const { repository } = operation;
  const name = `refs/heads/${binaryFromBytes(header.branchName)}`;
  const targetCommit = await findTarget(committing, name);
  const start = startPoint(header, targetCommit);
  const parent = await findParent(needs, operation, start, call);
  const newOid = await writeCommit(committing, parent, requests);
  const repoCreated = targetCommit === undefined && !hasBranches(repository);
  const oldOid = await findOldOid(committing, parent, targetCommit);
  await changeBranch(operation, user, { name, oldOid, newOid });
  const branchCreated = oldOid === zeroOid(repository.objects.format);
  return { branchUpdate: { commitId: newOid, repoCreated, branchCreated } };
}

async function findTarget(
  { needs: { git }, operation: { repository, options } }: Committing,
  name: string,
): Promise<Oid | undefined> {
  try {
    const revisionNeeds = { git, gitCall: () => options };
    return await verifyRevision(repository, `${name}^{commit}`, revisionNeeds);
  } catch (error) {
    throw wrapError("unknown", "resolve target branch commit", error);
  }
}

function startPoint(
  header: Header,
  targetCommit: Oid | undefined,
): Parameters<typeof findParent>[2] {
  const { repository, startRepository: start } = header;
  const isSame =
    repository?.storageName === start?.storageName &&
    repository?.relativePath === start?.relativePath;
  return {
    targetBranch: binaryFromBytes(header.branchName),
    targetCommit,
    startBranch: binaryFromBytes(header.startBranchName),
    startSha: header.startSha,
    startRepository: isSame ? undefined : start,
  };
}

async function writeCommit(
  committing: Committing,
  parent: Oid | undefined,
  requests: AsyncIterable<UserCommitFilesRequest>,
): Promise<Oid> {
  const { needs, located, operation, header, user, call } = committing;
  const { objects } = operation.quarantine;
  const files = new FileWriter(needs.git, operation);
  const actions = await receiveActions(requests, files, located.path);
  const committer = identityOf(user, header);
  const editor = new TreeEditor(operation.repository.objects, await treeOf(committing, parent));
  for (const action of actions) await applyAction(editor, action, files);
  const tree = await writeTree(editor, objects);
  const author = authorOf(header, committer);
  const parents = parent === undefined ? [] : [parent];
  const { commitMessage: message, sign } = header;
  try {
    // A start may be a tag, which has a tree but is no parent.
    if (parent !== undefined) checkParent(operation, parent);
    const draft = { tree, parents, author, committer, message, sign };
    return await createCommit(needs, call, objects, draft);
  } catch (error) {
    throw error instanceof DisallowedCharactersError ? emptySignature(error) : error;
  }
}

async function writeTree(editor: TreeEditor, objects: ObjectWriter): Promise<Oid> {
  try {
    return await editor.write(objects);
  } catch (error) {
    if (!(error instanceof MalformedTreeError)) throw error;
    throw internal(`writing tree ${error.message}`, { cause: error });
  }
}

function identityOf(user: User, { timestamp }: Header): Required<Identity> {
  try {
    return userIdentity(user, timestamp);
  } catch (error) {
    if (!(error instanceof TimeZoneError)) throw error;
    throw invalidArgument(error.message, { cause: error });
  }
}

async function treeOf(
  { needs: { git }, operation: { repository, options } }: Committing,
  parent: Oid | undefined,
): Promise<Oid | undefined> {
  if (parent === undefined) return undefined;
  const tree = await verifyRevision(repository, `${parent}^{tree}`, {
    git,
    gitCall: () => options,
  });
  if (tree === undefined) throw new RpcError("unknown", "getting tree id: reference not found");
  return tree;
}

function authorOf(header: Header, committer: Required<Identity>): Required<Identity> {
  const [name, email] = [trimBlanks(header.commitAuthorName), trimBlanks(header.commitAuthorEmail)];
  const author = {
    name: name.length === 0 ? committer.name : name,
    email: email.length === 0 ? committer.email : email,
    date: committer.date,
  };
  if (author.name.length === 0 || author.email.length === 0) throw emptySignature();
  return author;
}

function emptySignature(cause?: unknown): RpcError {
  const problem = "Signature cannot have an empty name or email";
  return invalidArgument(`commit: failed to parse signature - ${problem}`, { cause });
}

/** What the branch has to hold for the commit to be put on it. */
async function findOldOid(
  { needs, located, operation: { repository, options }, header, call }: Committing,
  parent: Oid | undefined,
  targetCommit: Oid | undefined,
): Promise<Oid> {
  const { expectedOldOid: expected, force } = header;
  const none = zeroOid(repository.objects.format);
  if (expected === none) return none;
  if (expected !== "") {
    const own = openLocated(needs, located, call);
    return expectedOldOid(own, expected, { git: needs.git, gitCall: () => options });
  }
  if (targetCommit === undefined) return none;
  return force ? targetCommit : (parent ?? none);
}

async function changeBranch(
  operation: Operation,
  user: User,
  change: { readonly name: string; readonly oldOid: Oid; readonly newOid: Oid },
): Promise<void> {
  try {
    await operation.changeReference(user, change);
  } catch (error) {
    if (!(error instanceof ReferenceChangeError)) {
      throw wrapError("unknown", "update reference", error);
    }
    const { message, metadata } = error;
    throw failedPrecondition(message, { cause: error, metadata });
  }
}

/** The error with what clients branch on. */
function failureOf(error: unknown): unknown {
  const indexError = findCause(error, IndexError);
  if (indexError !== undefined) return indexError.toRpcError();
  const text = error instanceof Error ? error.message : "";
  const notAllowed = findCause(error, NotAllowedError);
  if (notAllowed !== undefined) {
    const value = accessCheckDetail(notAllowed);
    return permissionDenied(`denied by access checks: ${text}`, {
      cause: error,
      detail: detail(UserCommitFilesErrorSchema, { error: { case: "accessCheck", value } }),
    });
  }
  const refusal = findCause(error, RefusedByHookError);
  if (refusal === undefined) return error;
  const value = customHookDetail(refusal);
  return permissionDenied(`denied by custom hooks: ${text}`, {
    cause: error,
    detail: detail(UserCommitFilesErrorSchema, { error: { case: "customHook", value } }),
  });
}
