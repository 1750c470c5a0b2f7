import { READ_BYTES_MAX } from "../../git/object/object-database.ts";
import { TagObject } from "../../git/object/tag-object.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { resolveRevision } from "../../git/revision/resolve-revision.ts";
import type { Revision } from "../../git/revision/revision.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { RefService } from "../../proto/ref_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { fieldSize } from "../common/message-size.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { outputLines } from "../common/output-lines.ts";
import { quietly, readObject } from "../common/read-commit.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import { pipelineFailure } from "../common/rev-list.ts";
import { parseWalkRevisions } from "../common/walk-revisions.ts";

type Needs = ReadNeeds & { readonly git: GitRunner; readonly mailmaps: Mailmaps };
type GetTagSignatures = Handler<typeof RefService.method.getTagSignatures>;

/** Tells signature and signed text of the annotated tags that revisions lead over. */
export function getTagSignatures(needs: Needs): GetTagSignatures {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const revisions = parseWalkRevisions(request.tagRevisions);
    const repository = openLocated(needs, located, call);
    const mailmap = needs.mailmaps.find(repository, call);
    const chunk = new ReplyChunk(signatureSize);
    try {
      for await (const oid of listTags(needs.git, repository, revisions, call)) {
        const tag = await readObject(repository.objects, oid, call.signal);
        if (tag === undefined) throw new RpcError("unknown", "requesting object: object not found");
        const content = mailmap?.rewriteHeaders(tag.content) ?? tag.content;
        const full = chunk.add({ tagId: oid, ...splitTag(content) });
        if (full !== undefined) yield { signatures: full };
      }
    } catch (error) {
      throw wrapError("internal", "cat-file iterator stop", error);
    }
    const signatures = chunk.rest();
    if (signatures !== undefined) yield { signatures };
  };
}

interface TagSignature {
  readonly tagId: string;
  readonly signature: Buffer;
  readonly content: Buffer;
}

function signatureSize({ tagId, signature, content }: TagSignature): number {
  return fieldSize(tagId.length) + fieldSize(signature.length) + fieldSize(content.length);
}

/** Everything from the first armor on is the signature. */
function splitTag(content: Buffer): Omit<TagSignature, "tagId"> {
  const start = content.indexOf("-----BEGIN", 0, "latin1");
  if (start <= 0) return { signature: Buffer.alloc(0), content };
  const signature = content.subarray(start, content.at(-1) === NEWLINE ? -1 : undefined);
  return { signature, content: content.subarray(0, start) };
}

const NEWLINE = 0x0a;

async function* listTags(
  git: GitRunner,
  repository: OpenedRepository,
  revisions: readonly Revision[],
  call: Call,
): AsyncGenerator<Oid, void, undefined> {
  const tags = quietly(() => findTags(repository, revisions));
  yield* tags ?? askGit(git, repository, revisions, call);
}

/** Revisions that stand for more, or for less, than one object. */
const NOT_SINGLE = /^[-^]|\.\./;

/**
 * Finds the tags that single revisions name, and those that are tagged by them, in git's order.
 *
 * @returns undefined when only git can tell, or has to say what is wrong
 */
function findTags(
  repository: OpenedRepository,
  revisions: readonly Revision[],
): ReadonlySet<Oid> | undefined {
  const tags = new Set<Oid>();
  for (const revision of revisions) {
    const found = NOT_SINGLE.test(revision) ? undefined : resolveRevision(repository, revision);
    if (found?.state !== "found" || !addTags(repository, found.oid, tags)) return undefined;
  }
  return tags;
}

/** @returns false when something is missing, or larger than any tag should be */
function addTags({ objects }: OpenedRepository, start: Oid, tags: Set<Oid>): boolean {
  for (let oid = start; !tags.has(oid); ) {
    const header = objects.header(oid);
    if (header === undefined) return false;
    if (header.type !== "tag") return true;
    const tag = header.size > READ_BYTES_MAX ? undefined : objects.read(oid);
    if (tag === undefined) return false;
    tags.add(oid);
    oid = new TagObject(tag.content, objects.format).object;
  }
  return true;
}

async function* askGit(
  git: GitRunner,
  { located }: OpenedRepository,
  revisions: readonly string[],
  call: Call,
): AsyncGenerator<Oid, void, undefined> {
  const walk = ["--stdin", "--in-commit-order", "--objects", "--object-names"];
  const flags = [...walk, "--filter=object:type=tag", "--filter-provided-objects"];
  const stdin = bytesFromBinary(revisions.join("\n"));
  try {
    const output = git.stream(
      located,
      { name: "rev-list", flags },
      {
        ...gitCall(call),
        stdin,
        fallback: "revision",
      },
    );
    for await (const line of outputLines(output)) {
      const oid = parseOid(line.split(" ", 1)[0] ?? "");
      if (oid !== undefined) yield oid;
    }
  } catch (error) {
    throw error instanceof GitExitError ? pipelineFailure(error) : error;
  }
}
