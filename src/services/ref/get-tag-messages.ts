import { binaryFromText } from "../../git/ref/binary-string.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { RefService } from "../../proto/ref_pb.ts";
import type { Tag } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { cutContent } from "../common/content-chunks.ts";
import { lazyGitCall } from "../common/git-call.ts";
import {
  type OpenedRepository,
  openRepository,
  type ReadNeeds,
} from "../common/open-repository.ts";
import { readObject } from "../common/read-commit.ts";
import { findObject, type RevisionNeeds } from "../common/resolve-revision.ts";
import { readAnnotatedTag } from "./annotated-tag.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type GetTagMessages = Handler<typeof RefService.method.getTagMessages>;

/** Streams the whole messages of annotated tags: for each its id, then the message in pieces. */
export function getTagMessages(needs: Needs): GetTagMessages {
  return async function* ({ repository: address, tagIds }, call) {
    const repository = openRepository(needs, address, call);
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    for (const tagId of tagIds) {
      const { message } = await getTag(repository, tagId, ask, call);
      yield { tagId };
      for (const piece of cutContent(Buffer.from(message))) yield { message: piece };
    }
  };
}

async function getTag(
  repository: OpenedRepository,
  tagId: string,
  ask: RevisionNeeds,
  { signal }: Call,
): Promise<Tag> {
  const { objects } = repository;
  try {
    const oid = await findObject(repository, binaryFromText(tagId), ask);
    const header = oid && objects.header(oid);
    if (oid === undefined || header === undefined) throw objectNotFound();
    if (header.type !== "tag") throw new RpcError("unknown", `expected tag, got ${header.type}`);
    const object = await readObject(objects, oid, signal);
    if (object === undefined) throw objectNotFound();
    return await readAnnotatedTag(objects, object, Buffer.alloc(0), undefined, signal);
  } catch (error) {
    throw wrapError("internal", "getting tag", error);
  }
}

function objectNotFound(): RpcError {
  return new RpcError("unknown", "object not found");
}
