import { create, toBinary } from "@bufbuild/protobuf";
import type { Oid } from "../../git/oid/oid.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import {
  type CommitService,
  type ListCommitsRequest,
  ListCommitsResponseSchema,
  ListCommitsRequest_Order as Order,
} from "../../proto/commit_pb.ts";
import type { EncodingHandler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { Turns } from "../../storage/file/turns.ts";
import { COMMITS_PER_TURN } from "../common/commit-chunks.ts";
import { CommitEncoder } from "../common/commit-encoder.ts";
import { encodedEntrySize, encodedReply } from "../common/encoded-list.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { PageCutter, type PageParameters } from "../common/pagination.ts";
import { readListedCommit, readSmallObject } from "../common/read-commit.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import { type RevListOptions, revList } from "../common/rev-list.ts";
import { parseWalkRevisions } from "../common/walk-revisions.ts";

type Needs = ReadNeeds & { readonly git: GitRunner; readonly mailmaps: Mailmaps };
type ListCommits = EncodingHandler<typeof CommitService.method.listCommits>;

/** Lists the commits that revisions reach, in pages if wanted: a page begins after its token. */
export function listCommits(needs: Needs): ListCommits {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const revisions = parseWalkRevisions(request.revisions);
    const repository = openLocated(needs, located, call);
    const mailmap = needs.mailmaps.find(repository, call);
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    const listed = revList(repository, listOptions(request, revisions), ask, call.signal);
    const page = new CommitPage(request.paginationParams);
    const encoder = new CommitEncoder(mailmap);
    const chunk = new ReplyChunk(encodedEntrySize);
    const turns = new Turns(call.signal, COMMITS_PER_TURN);
    try {
      for await (const oid of page.choose(listed)) {
        if (turns.isOver()) await turns.next();
        const { content } =
          readSmallObject(repository.objects, oid) ??
          (await readListedCommit(repository, oid, call.signal));
        const full = chunk.add(encoder.encode(oid, content));
        if (full !== undefined) yield encodedReply(ListCommitsResponseSchema, full);
      }
    } catch (error) {
      throw wrapError("internal", "iterating objects", error);
    }
    const commits = chunk.rest();
    if (commits === undefined) return;
    yield encodedReply(ListCommitsResponseSchema, commits, encodeCursor(page.nextCursor));
  };
}

function encodeCursor(nextCursor: string | undefined): Uint8Array | undefined {
  if (nextCursor === undefined) return undefined;
  const reply = create(ListCommitsResponseSchema, { paginationCursor: { nextCursor } });
  return toBinary(ListCommitsResponseSchema, reply);
}

/** Chooses the commits of a page; here, a limit of 0 is none. */
class CommitPage {
  /** Where the next page begins, when all of this one is there and something comes after it. */
  nextCursor: string | undefined;
  readonly #cutter: PageCutter;

  constructor({ limit, pageToken }: PageParameters = { limit: 0, pageToken: "" }) {
    this.#cutter = new PageCutter({ limit: limit > 0 ? limit : -1, pageToken });
  }

  async *choose(oids: AsyncIterable<Oid>): AsyncGenerator<Oid, void, undefined> {
    let last: Oid | undefined;
    for await (const oid of oids) {
      const step = this.#cutter.step(oid);
      if (step === "end") {
        this.nextCursor = last;
        return;
      }
      if (step === "skip") continue;
      last = oid;
      yield oid;
    }
  }
}

function listOptions(request: ListCommitsRequest, revisions: readonly string[]): RevListOptions {
  return {
    revisions,
    order: walkOrder(request.order),
    reverse: request.reverse,
    parentsMax: request.maxParents,
    noWalk: request.disableWalk,
    firstParent: request.firstParent,
    before: request.before,
    after: request.after,
    author: request.author,
    ignoreCase: request.ignoreCase,
    messagePatterns: request.commitMessagePatterns,
    skip: request.skip,
    paths: request.paths,
    literalPathspecs: request.globalOptions?.literalPathspecs ?? false,
  };
}

function walkOrder(order: Order): "default" | "topo" | "date" {
  if (order === Order.TOPO) return "topo";
  return order === Order.DATE ? "date" : "default";
}
