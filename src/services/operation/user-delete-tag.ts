import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { type Oid, zeroOid } from "../../git/oid/oid.ts";
import { binaryFromBytes, bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";
import { ReferenceChangeError, RefusedByHookError } from "../../hooks/change/change-errors.ts";
import type { OperationService, UserDeleteTagRequest } from "../../proto/operations_pb.ts";
import type { User } from "../../proto/shared_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition, invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated } from "../common/open-repository.ts";
import type { OperationNeeds } from "../common/operation.ts";
import { otherChangeFailure } from "../common/other-change-failure.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";
import { verifyRevision } from "../common/verify-revision.ts";
import { changeWithoutObjects } from "./change-without-objects.ts";
import { expectedOldOid } from "./expected-old-oid.ts";
import { preReceiveError } from "./pre-receive-error.ts";

type UserDeleteTag = Handler<typeof OperationService.method.userDeleteTag>;

/** Deletes a tag, as if a user had pushed that; what a hook has against it is part of the reply. */
export function userDeleteTag(needs: OperationNeeds): UserDeleteTag {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    const user = checkRequest(request);
    const repository = openLocated(needs, located, call);
    const options = gitCall(call);
    const oldOid = await findOldOid(repository, request, {
      git: needs.git,
      gitCall: () => options,
    });
    const change = { name: tagRef(request), oldOid, newOid: zeroOid(repository.objects.format) };
    try {
      await changeWithoutObjects(needs, located, user, change, { call, options });
    } catch (error) {
      if (error instanceof RefusedByHookError) return { preReceiveError: preReceiveError(error) };
      throw changeFailure(error);
    }
    return {};
  };
}

function checkRequest({ tagName, user }: UserDeleteTagRequest): User {
  if (tagName.length === 0) throw invalidArgument("empty tag name");
  if (user === undefined) throw invalidArgument("empty user");
  return user;
}

function tagRef({ tagName }: UserDeleteTagRequest): string {
  return `refs/tags/${binaryFromBytes(tagName)}`;
}

async function findOldOid(
  repository: OpenedRepository,
  request: UserDeleteTagRequest,
  needs: RevisionNeeds,
): Promise<Oid> {
  const { expectedOldOid: expected, tagName } = request;
  if (expected !== "") return expectedOldOid(repository, expected, needs);
  const revision = tagRef(request);
  const oid = await verifyRevision(repository, revision, needs).catch((error) => {
    const name = quoteBytes(bytesFromBinary(revision));
    throw wrapError("internal", `resolving revision ${name}`, error);
  });
  if (oid !== undefined) return oid;
  throw failedPrecondition(`tag not found: ${textFromBinary(binaryFromBytes(tagName))}`);
}

function changeFailure(error: unknown): unknown {
  if (error instanceof ReferenceChangeError) {
    const { message, metadata } = error;
    return failedPrecondition(message, { cause: error, metadata });
  }
  return otherChangeFailure("", error);
}
