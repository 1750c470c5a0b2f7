import { create } from "@bufbuild/protobuf";
import type { Mailmap } from "../../git/mailmap/mailmap.ts";
import { binaryFromBytes, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { parseRefName } from "../../git/ref/ref-name.ts";
import type { ListedRef } from "../../git/ref/ref-reader.ts";
import { compileWildmatch, hasWildcard } from "../../git/wildmatch/wildmatch.ts";
import { FindTagErrorSchema, type RefService } from "../../proto/ref_pb.ts";
import { type Tag, TagSchema } from "../../proto/shared_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import {
  detail,
  invalidArgument,
  notFound,
  type RpcError,
  wrapError,
} from "../../rpc/rpc-error.ts";
import { checkArgument } from "../common/git-failure.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { readCommit, readObject } from "../common/read-commit.ts";
import { readAnnotatedTag } from "./annotated-tag.ts";
import { trimTagMessage } from "./git-tag.ts";

type Needs = ReadNeeds & { readonly mailmaps: Mailmaps };
type FindTag = Handler<typeof RefService.method.findTag>;

/** Finds a tag by its name, or the first one that matches it as a pattern. */
export function findTag(needs: Needs): FindTag {
  return async ({ repository: address, tagName }, call) => {
    const located = locateRepository(needs.locator, address);
    if (tagName.length === 0) throw invalidArgument("tag name is empty");
    const name = binaryFromBytes(tagName);
    try {
      checkArgument(name);
    } catch (error) {
      throw wrapError("internal", "for-each-ref error", error);
    }
    const repository = openLocated(needs, located, call);
    const ref = findRef(repository, name);
    const mailmap = needs.mailmaps.find(repository, call);
    const tag = ref && (await readTag(repository, ref, mailmap, call.signal));
    if (tag === undefined) throw tagNotFound(tagName);
    return { tag };
  };
}

type FoundRef = Pick<ListedRef, "name" | "oid">;

/** As `git tag --list`: the pattern is matched with what comes behind `refs/tags/`. */
function findRef({ refs }: OpenedRepository, pattern: string): FoundRef | undefined {
  if (!hasWildcard(pattern)) {
    const name = parseRefName(`refs/tags/${pattern}`);
    const found = name && refs.resolve(name);
    return name !== undefined && found?.state === "found" ? { name, oid: found.oid } : undefined;
  }
  const matches = compileWildmatch(pattern);
  for (const ref of refs.list({ prefixes: ["refs/tags/"] })) {
    if (matches(ref.name.slice("refs/tags/".length))) return ref;
  }
  return undefined;
}

async function readTag(
  { objects }: OpenedRepository,
  { name, oid }: FoundRef,
  mailmap: Mailmap | undefined,
  signal: AbortSignal,
): Promise<Tag | undefined> {
  const header = objects.header(oid);
  if (header === undefined) return undefined;
  const shortName = bytesFromBinary(name.slice("refs/tags/".length));
  if (header.type !== "tag") {
    const targetCommit =
      header.type === "commit" ? await readCommit(objects, oid, mailmap, signal) : undefined;
    return create(TagSchema, { id: oid, name: shortName, ...(targetCommit && { targetCommit }) });
  }
  const object = await readObject(objects, oid, signal);
  if (object === undefined) return undefined;
  try {
    const tag = await readAnnotatedTag(objects, object, shortName, mailmap, signal);
    trimTagMessage(tag);
    return tag;
  } catch (error) {
    throw wrapError("internal", "parsing tag: getting annotated tag", error);
  }
}

function tagNotFound(tagName: Uint8Array): RpcError {
  const referenceName = Buffer.concat([Buffer.from("refs/tags/"), tagName]);
  return notFound("tag does not exist", {
    detail: detail(FindTagErrorSchema, {
      error: { case: "tagNotFound", value: { referenceName } },
    }),
  });
}
